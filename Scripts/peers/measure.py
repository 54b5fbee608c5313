"""Running and timing commands, in turns. Standard library only: a small process measures small ones
better, since a child's peak memory starts at its parent's."""
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time

# A contestant that takes this many seconds a turn is measured twice, whatever the rounds.
SLOW = 12


def run(stages, cwd, stdin=None, stdout=None):
    """Runs a pipeline; its seconds, and the peak memory of each stage in MB.

    `stages` are argument lists, `stdin` and `stdout` file names in `cwd`.
    """
    with contextlib.ExitStack() as stack:
        def opened(name, mode):
            return stack.enter_context(open(os.path.join(cwd, name) if name else os.devnull, mode))

        source, sink = opened(stdin, "rb"), opened(stdout, "wb")
        errors = stack.enter_context(open(os.path.join(cwd, "stderr.txt"), "w+b"))
        started = time.perf_counter()
        processes = []
        for i, stage in enumerate(stages):
            last = i + 1 == len(stages)
            process = subprocess.Popen(
                stage, cwd=cwd, stdin=source, stdout=sink if last else subprocess.PIPE,
                stderr=errors)
            if i > 0:
                source.close()  # the pipe now belongs to this stage alone
            source = process.stdout
            processes.append(process)
        peaks = []
        for process, stage in zip(processes, stages):
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            peaks.append(usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3))
        seconds = time.perf_counter() - started
        for process, stage in reversed(list(zip(processes, stages))):
            if process.returncode != 0:
                errors.seek(0)
                text = errors.read().decode(errors="replace").strip()[-600:]
                if stdout:
                    os.unlink(os.path.join(cwd, stdout))  # half a file must not pass for data
                raise Failed(f"{os.path.basename(stage[0])} exits {process.returncode}: {text}")
    return seconds, peaks


def records(stage, cwd):
    """Runs a command that prints JSON lines; its records."""
    result = subprocess.run(stage, cwd=cwd, capture_output=True, text=True)
    if result.returncode != 0:
        raise Failed(f"{os.path.basename(stage[0])} exits {result.returncode}: "
                     f"{result.stderr.strip()[-600:]}")
    return [json.loads(line) for line in result.stdout.splitlines()]


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Failed(Exception):
    """A contestant that cannot run here; the others go on."""


class Server:
    """A training process that stays up and trains an epoch whenever it is its turn.

    What a run pays once (imports, compilation, worker start) is paid before the first turn.
    """

    def __init__(self, stage, cwd, errors):
        self.errors = errors
        with open(errors, "wb") as log:
            self.process = subprocess.Popen(
                stage, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                text=True)
        self.ready = self._next()

    def epoch(self):
        """Seconds of one epoch, by the process's own clock."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._next()["seconds"]

    def _next(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            with open(self.errors, errors="replace") as log:
                raise Failed(log.read().strip()[-600:])
        return json.loads(line)

    def close(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.wait()


def take_turns(contestants, rounds, quiet=False):
    """Samples of each contestant. A contestant is a function that gives its samples of one turn.

    Every round goes through all of them, each round from another one on, so that whatever else the
    machine does falls on all alike.
    """
    names = list(contestants)
    samples = {name: [] for name in names}
    failures, turns, slow = {}, dict.fromkeys(names, 0), set()
    for round_ in range(rounds):
        for name in names[round_ % len(names):] + names[: round_ % len(names)]:
            if name in failures or (name in slow and turns[name] >= 2):
                continue
            started = time.perf_counter()
            try:
                samples[name] += contestants[name]()
            except (Failed, OSError) as error:
                failures[name] = str(error)
                say(f"{name}: {error}")
                continue
            turns[name] += 1
            if time.perf_counter() - started > SLOW:
                slow.add(name)
        if not quiet:
            say(f"round {round_ + 1} of {rounds}: " + "; ".join(
                f"{name} {samples[name][-1]:.3g}" for name in names if samples[name]))
    return samples, failures


def median(values):
    return statistics.median(values) if values else None
