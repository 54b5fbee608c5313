"""Epochs of vae-fit and of PyTorch, in turns."""
from measure import Server, take_turns
from report import comparison, slug
from setting import Setting

OURS = ["vae-fit bf16", "vae-fit f32"]


class Epochs(Setting):
    def epochs_table(self, title, samples, failures):
        note = ("Seconds an epoch by each program's own clock, all in turns in one run, "
                f"{self.threads} threads. PyTorch's compilation and imports are not counted.")
        return comparison(title, samples, failures, "s", OURS, note)

    def epochs(self, data, shape, peers, count=3):
        """Seconds of epochs, `count` a turn: of vae-fit with the options of `shape`, of vae.py with
        those of each peer."""
        contestants = {
            f"vae-fit {precision}": lambda precision=precision: self.fit(
                data, *shape, "--precision", precision, "--threads", self.threads, epochs=count)
            for precision in ["bf16", "f32"]
        }
        servers = []

        def peer(name):
            stage = self.torch("train", "--serve", "--data", data, *peers[name])
            self.note([stage])
            server = None

            def turn():
                nonlocal server
                if server is None:
                    server = Server(stage, self.scratch, self.path(f"{slug(name)}.stderr"))
                    servers.append(server)
                    if name != "DataLoader":
                        server.epoch()  # the first epoch warms allocators and caches
                return [server.epoch() for _ in range(1 if name == "DataLoader" else count)]

            return turn

        contestants |= {f"PyTorch {name}": peer(name) for name in peers}
        try:
            return take_turns(contestants, self.args.rounds)
        finally:
            for server in servers:
                server.close()
