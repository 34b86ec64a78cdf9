"""Results: one line each as it comes, and report.json and the packed logs at the end of each part."""

import json
import tarfile
import time
from collections import Counter
from pathlib import Path

LONGEST = 300


class Report:
    """Prints results and saves them in a folder. `logs` holds the logs until they are packed."""

    def __init__(self, folder, logs):
        self.folder, self.logs = Path(folder).resolve(), logs
        self.folder.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir()
        self.results = []
        self.times = {}
        self.start = time.monotonic()

    def say(self, verdict, part, detail, **facts):
        """Adds a result: PASS, FAIL, SKIP, FIGURE, or MOCK for what only a GPU can decide. `facts` go to report.json."""
        detail = " ".join(detail.split())
        shown = detail if len(detail) <= LONGEST else detail[:LONGEST] + "..."
        print(f"{verdict} {part}: {shown}", flush=True)
        self.results.append({"verdict": verdict, "part": part, "detail": detail, **facts})

    def check(self, holds, part, detail, **facts):
        """Adds a result that passes if `holds`."""
        self.say("PASS" if holds else "FAIL", part, detail, **facts)
        return holds

    def failures(self):
        return sum(result["verdict"] == "FAIL" for result in self.results)

    def save(self):
        """Writes report.json and logs.tar.gz."""
        told = {"seconds": time.monotonic() - self.start, "seconds_of_parts": self.times, "results": self.results}
        (self.folder / "report.json").write_text(json.dumps(told, indent=1) + "\n")
        with tarfile.open(self.folder / "logs.tar.gz", "w:gz") as packed:
            for path in sorted(self.logs.iterdir()):
                packed.add(path, f"logs/{path.name}")

    def summary(self):
        """Prints one row for each part."""
        print(f"\n{'part':14} {'seconds':>7}  results")
        for part, seconds in self.times.items():
            counts = Counter(result["verdict"] for result in self.results if result["part"] == part)
            print(f"{part:14} {seconds:7.1f}  " + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
        print(f"{'all':14} {time.monotonic() - self.start:7.1f}  {self.failures()} failed", flush=True)
