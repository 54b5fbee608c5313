# shellcheck shell=bash
# What the scripts share: messages, and the packages that must be there. Sourced, never run.

# What building takes, and what testing takes on top, by Debian's names. NAME:COMMAND where a
# command shows that it is there, whoever installed it.
# shellcheck disable=SC2034 # for those who source this
{
  readonly build_packages=(libdnnl-dev libpng-dev zlib1g-dev liblapack3 libcairo2-dev pkg-config:pkg-config)
  readonly package_packages=(dpkg-dev:dpkg-shlibdeps xz-utils:xz patchelf:patchelf python3:python3)
  readonly package_test_packages=(lintian:lintian debootstrap:debootstrap python3-venv)
  readonly browser_packages=(chromium:chromium)
  readonly test_packages=(mandoc:mandoc shellcheck:shellcheck curl:curl make:make python3:python3)
}

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

# The comment at the head of the script that runs.
usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0"; }

# misuse WORDS: a wrong command line.
misuse() {
  say "$*"
  usage >&2
  exit 64
}

# The names of the tools: the folders whose file says @main.
tools() {
  grep -lx '@main' Sources/*/*.swift | xargs -n 1 dirname | xargs -n 1 basename
}

# install_packages ENTRY...: installs those that are missing.
install_packages() {
  command -v swift >/dev/null || fail "Swift 6.1 or later is needed: https://www.swift.org/install"
  local entry missing=()
  for entry in "$@"; do
    if [[ $entry == *:* ]] && command -v "${entry#*:}" >/dev/null; then continue; fi
    is_installed "${entry%%:*}" || missing+=("${entry%%:*}")
  done
  ((${#missing[@]})) || return 0

  if [[ $(uname) == Darwin ]]; then
    fail "missing: brew install $(for entry in "${missing[@]}"; do brew_name "$entry"; done | xargs)"
  elif ! command -v apt-get >/dev/null; then
    fail "missing, by Debian's names: ${missing[*]}"
  fi
  say "apt-get install ${missing[*]}"
  # Where the package lists are there already, the first try is enough.
  apt_get install "${missing[@]}" 2>/dev/null && return
  apt_get update || say "apt-get update failed; trying all the same"
  apt_get install "${missing[@]}" || fail "apt-get install ${missing[*]}: failed"
}

is_installed() {
  if [[ $(uname) == Darwin ]]; then
    brew list --versions "$(brew_name "$1")" >/dev/null 2>&1
  elif command -v dpkg-query >/dev/null; then
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
  fi # elsewhere the build will tell
}

apt_get() {
  local verb=$1
  shift
  local command=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -y "$verb")
  [[ $verb != install ]] || command+=(--no-install-recommends)
  if ((EUID != 0)); then command=(sudo "${command[@]}"); fi
  "${command[@]}" "$@" >&2
}

brew_name() {
  case $1 in
    libdnnl-dev) echo onednn ;;
    libpng-dev) echo libpng ;;
    zlib1g-dev) echo zlib ;;
    pkg-config) echo pkgconf ;;
    python3) echo python ;;
    *) echo "$1" ;;
  esac
}
