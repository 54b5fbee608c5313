#!/usr/bin/env python3
"""Makes a wheel of an installed tree and the module; Scripts/package runs it.

    wheel.py TREE MODULE VERSION OUT

Tools go to the environment's bin, the libraries they need to its lib/vae-tools, where their run
paths look; those that every Linux of the wheel's tag has are left out. Prints the wheel's path.
"""

import base64
import hashlib
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile

# Libraries that are opened at their first use, beside those that the tools are linked with.
OPENED = ["libdnnl.so.2", "libdnnl.so.3", "liblapack.so.3"]
# What the platform tag promises: the C library, and the compiler's.
PROMISED = re.compile(r"(ld-linux.*|lib(c|m|dl|rt|pthread|util|resolv|gcc_s|stdc\+\+))\.so")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def linked(path):
    """The libraries that a file is linked with, and those they are: {name: path}."""
    found = re.findall(r"^\s*(\S+) => (/\S+)", run("ldd", str(path)), re.M)
    return {name: path for name, path in found if not PROMISED.match(name)}


def opened():
    cache = dict(re.findall(r"^\s*(\S+) \(.*x86-64.*\) => (\S+)", run("/sbin/ldconfig", "-p"), re.M))
    cache |= dict(re.findall(r"^\s*(\S+) \(.*AArch64.*\) => (\S+)", run("/sbin/ldconfig", "-p"), re.M))
    return {name: cache[name] for name in OPENED if name in cache}


def license_of(library):
    """The copyright file of the package that a library is of: (package, path)."""
    path = os.path.realpath(library)
    for spelling in (path, path.removeprefix("/usr")):
        try:
            package = run("dpkg", "-S", spelling).split(":")[0]
        except subprocess.CalledProcessError:
            continue
        file = pathlib.Path(f"/usr/share/doc/{package}/copyright")
        return (package, file) if file.exists() else None
    return None


def carry(tree, folder):
    """Copies the libraries that the tree needs into a folder; returns what they were."""
    needed = opened()
    for path in [*(tree / "bin").iterdir(), *folder.iterdir(), *needed.values()]:
        if open(path, "rb").read(4) == b"\x7fELF":
            needed |= linked(path)
    needed.pop("libvaetools.so", None)
    for name, path in sorted(needed.items()):
        shutil.copyfile(path, folder / name)
        os.chmod(folder / name, 0o755)
        run("patchelf", "--set-rpath", "$ORIGIN", str(folder / name))
        run("strip", "--strip-unneeded", str(folder / name))
    return needed


def main():
    tree, module, version, out = pathlib.Path(sys.argv[1]), *sys.argv[2:4], pathlib.Path(sys.argv[4])
    needed = carry(tree, tree / "lib" / "vae-tools")
    glibc = platform.libc_ver()[1].replace(".", "_")
    tag = f"py3-none-manylinux_{glibc}_{platform.machine()}"
    name = f"vae_tools-{version}"
    info = f"{name}.dist-info"

    files = {}  # name in the wheel: (bytes, mode)
    for path in sorted(tree.rglob("*")):
        if path.is_file():
            place = path.relative_to(tree)
            kind = "scripts" if place.parts[0] == "bin" else f"data/{place.parent}"
            mode = 0o755 if place.parts[0] == "bin" else 0o644
            files[f"{name}.data/{kind}/{path.name}"] = (path.read_bytes(), mode)
    files["vae_tools.py"] = (pathlib.Path(module).read_bytes(), 0o644)
    for package, file in sorted(filter(None, {license_of(path) for path in needed.values()})):
        files[f"{info}/licenses/{package}.copyright"] = (file.read_bytes(), 0o644)
    own = pathlib.Path(__file__).parent / "copyright"
    files[f"{info}/licenses/vae-tools.copyright"] = (own.read_bytes(), 0o644)
    readme = (pathlib.Path(__file__).parents[2] / "README.md").read_text()
    files[f"{info}/METADATA"] = ((
        f"Metadata-Version: 2.1\nName: vae-tools\nVersion: {version}\n"
        "Summary: Small tools for variational autoencoders and sparse coding\n"
        "Requires-Python: >=3.9\nRequires-Dist: numpy\nProvides-Extra: torch\n"
        "Requires-Dist: torch; extra == 'torch'\nDescription-Content-Type: text/markdown\n\n"
        + readme).encode(), 0o644)
    files[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: vae-tools\nRoot-Is-Purelib: false\nTag: {tag}\n".encode(),
        0o644)

    def digest(data):
        return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()

    record = [f"{path},sha256={digest(data)},{len(data)}" for path, (data, _) in files.items()]
    record.append(f"{info}/RECORD,,")
    files[f"{info}/RECORD"] = (("\n".join(record) + "\n").encode(), 0o644)

    # The oldest date that a zip file can have is 1980.
    date = time.gmtime(max(int(os.environ.get("SOURCE_DATE_EPOCH", 0)), 315532800))[:6]
    path = out / f"{name}-{tag}.whl"
    with tempfile.NamedTemporaryFile(dir=out, delete=False) as part:
        with zipfile.ZipFile(part, "w") as archive:
            for inner, (data, mode) in files.items():
                entry = zipfile.ZipInfo(inner, date)
                entry.external_attr = (0o100000 | mode) << 16
                entry.create_system = 3
                archive.writestr(entry, data, zipfile.ZIP_DEFLATED, 9)
    os.chmod(part.name, 0o644)
    os.replace(part.name, path)
    print(path)


main()
