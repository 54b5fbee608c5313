"""What Scripts/bench leaves behind: tables, raw figures, and what they were measured on."""
import json
import os
import platform
import re
import subprocess
import sys

from measure import median


def output(*command, cwd=None):
    """What a command prints, or nothing where it does not work."""
    try:
        result = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    except OSError:
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""


def processor():
    if sys.platform == "darwin":
        return output("sysctl", "-n", "machdep.cpu.brand_string")
    for line in output("lscpu").splitlines():
        if line.startswith("Model name:"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def machine():
    """The lines of lscpu that a reader of the figures wants."""
    wanted = r"(Architecture|CPU\(s\)|Vendor ID|Model name|CPU family|Model|Thread|Core|L\d\w*|" \
             r"Stepping|BogoMIPS|Hypervisor vendor|Flags).*:"
    lines = [line for line in output("lscpu").splitlines() if re.match(wanted, line)]
    return "\n".join(lines or [processor()]) + "\n"


def versions(root, python, tools):
    """Versions of everything that is measured, and of what built it."""
    script = ("import importlib, json, platform; found = {'python': platform.python_version()}\n"
              "for name in ['torch', 'numpy', 'sklearn', 'spams']:\n"
              "    try: found[name] = importlib.import_module(name).__version__\n"
              "    except Exception: found[name] = None\n"
              "print(json.dumps(found))")
    found = json.loads(output(python, "-c", script) or "{}")
    found["vae-tools"] = output(os.path.join(tools, "vae-fit"), "--version").split(" ")[-1]
    found["commit"] = output("git", "rev-parse", "--short", "HEAD", cwd=root)
    if output("git", "status", "--porcelain", cwd=root):
        found["commit"] += " with changes"
    found["swift"] = output("swift", "--version").partition("version ")[2].partition(" ")[0]
    found["oneDNN"] = (output("pkg-config", "--modversion", "dnnl")
                       or output("dpkg-query", "-W", "-f", "${Version}", "libdnnl-dev"))
    found["system"] = f"{platform.system()} {platform.release().split('-')[0]}"
    return {name: version for name, version in found.items() if version}


def slug(text):
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def cell(value):
    """A cell: three significant digits without an exponent, or a text."""
    if value is None or isinstance(value, str):
        return (value or "").replace("|", "\\|")
    if value == 0 or isinstance(value, int):
        return str(value)
    size = abs(value)
    return f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else \
        f"{value:.2f}" if size >= 1 else f"{value:.3g}"


def table(title, header, rows, note=""):
    """A Markdown table, its columns lined up."""
    cells = [header] + [[cell(value) for value in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]

    def line(row):
        first = row[0].ljust(widths[0])
        return "| " + " | ".join([first] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]) + " |"

    rule = "|" + "|".join(
        "-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    body = "\n".join([line(cells[0]), rule, *map(line, cells[1:])])
    return f"### {title}\n\n{note + chr(10) * 2 if note else ''}{body}\n"


def comparison(title, samples, failures, unit, references, note=""):
    """Median, best and worst of every contestant, and how many times each reference's it is."""
    medians = {name: median(values) for name, values in samples.items()}
    header = ["", f"median {unit}", "best", "worst", "n"] + [f"÷ {name}" for name in references]
    rows = []
    for name, values in samples.items():
        if not values:
            reason = failures.get(name, "").strip().splitlines() or ["not measured"]
            rows.append([f"{name} (failed: {reason[-1][:60]})"] + [""] * (len(header) - 1))
            continue
        ratios = [medians[name] / medians[r] if medians.get(r) else "" for r in references]
        rows.append([name, medians[name], min(values), max(values), len(values), *ratios])
    return table(title, header, rows, note)


class Run:
    """The folder of one day's run on one processor; sections measured again replace themselves."""

    def __init__(self, folder):
        self.folder = folder
        self.path = os.path.join(folder, "raw.json")
        self.sections = {}
        if os.path.exists(self.path):
            with open(self.path) as file:
                self.sections = json.load(file)["sections"]

    def add(self, name, **section):
        os.makedirs(self.folder, exist_ok=True)
        self.sections[name] = section
        self._write("raw.json", json.dumps(
            dict(processor=processor(), sections=self.sections), indent=1, sort_keys=True) + "\n")
        self._write("machine.txt", machine())
        name = os.path.basename(self.folder)
        parts = [f"# {name}\n\n{processor()}, {os.cpu_count()} processors\n"]
        for name, section in self.sections.items():
            facts = ", ".join(f"{k} {v}" for k, v in section["versions"].items())
            parts.append(f"## {name}\n\n{section['time']}; {facts}; "
                         f"load at the start {section['load']}\n")
            parts += section["tables"]
            if section["commands"]:
                parts.append("```\n" + "\n".join(section["commands"]) + "\n```\n")
        self._write("table.md", "\n".join(parts))

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(text)
