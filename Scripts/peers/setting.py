"""What every section of the bench starts from: commands, data, models."""
import json
import os
import shutil

from measure import records, run

HERE = os.path.dirname(os.path.abspath(__file__))


class Setting:
    def __init__(self, args):
        self.args = args
        self.tools, self.scratch = os.path.abspath(args.tools), os.path.abspath(args.scratch)
        self.root = os.path.dirname(os.path.dirname(HERE))
        self.threads = str(args.threads)
        self.commands = []
        os.makedirs(self.scratch, exist_ok=True)

    # Commands

    def tool(self, name, *arguments):
        return [os.path.join(self.tools, name), *map(str, arguments)]

    def torch(self, *arguments):
        return [self.args.python, os.path.join(HERE, "vae.py"), "--threads", self.threads,
                *map(str, arguments)]

    def note(self, stages, stdin=None, stdout=None):
        """Keeps a command for the report as one would type it, without this machine's paths."""
        def short(word):
            if word == self.args.python:
                return "python"
            for folder in [self.tools, self.scratch, self.root]:
                word = word.replace(folder + "/", "")
            return word

        text = " | ".join(" ".join(map(short, stage)) for stage in stages)
        text += f" < {stdin}" if stdin else ""
        text += f" > {stdout}" if stdout else ""
        if text not in self.commands:
            self.commands.append(text)

    def run(self, stages, stdin=None, stdout=None):
        self.note(stages, stdin, stdout)
        return run(stages, self.scratch, stdin, stdout)

    def records(self, stage):
        self.note([stage])
        return records(stage, self.scratch)

    def path(self, name):
        return os.path.join(self.scratch, name)

    # Data and models

    def images(self, part):
        """MNIST as one .npy file, made once; its name."""
        name = f"{part}.npy"
        given = getattr(self.args, part)
        if not os.path.exists(self.path(name)):
            if given:
                shutil.copy(given, self.path(name))
            else:
                self.run([self.tool("mnist-cat", part, "--set", "mnist")], stdout=name)
        return name

    def rows(self, count, shape="28x28", source=None):
        """Rows of that shape, random or repeated from `source`, made once; their file's name."""
        name = f"{'mnist' if source else 'random'}-{count}-{shape}.npy"
        if not os.path.exists(self.path(name)):
            data = ["--data", source] if source else []
            self.records(self.torch("rows", name, count, "--shape", shape, *data))
        return name

    def fit(self, data, *options, epochs=3):
        """Trains by vae-fit; the seconds of each epoch."""
        self.run([self.tool("vae-fit", "--input", data, "--epochs", epochs, "--quiet",
                            "--log", "log.jsonl", "-o", "bench.vae", *options)])
        with open(self.path("log.jsonl")) as file:
            events = [json.loads(line) for line in file]
        return [event["seconds"] for event in events if event.get("event") == "epoch"]

    def model(self):
        """A model trained by vae-fit for the sections that apply one."""
        if not os.path.exists(self.path("m.vae")):
            self.run([self.tool("vae-fit", "--input", self.images("train"), "--epochs", 2,
                                "--quiet", "-o", "m.vae")])
        return "m.vae"
