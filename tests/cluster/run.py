"""Run the smoke configuration on a SLURM cluster of this test's own, and compare it with a local run: `make cluster-test`.

In a folder that is deleted at the end it starts munged, slurmctld, slurmd and the accounting (slurmdbd, MariaDB) on the loopback
address: one node, "GPUs" that are plain files, the two partitions of slurm/partitions.yaml. It needs the Debian packages slurm-wlm,
slurmdbd, mariadb-server and munge; without them it says so and passes. Checked are:

* a run ends although three of its jobs are cancelled, one takes more memory than it may, one hangs until its time is over, and the
  node goes down and comes back; every table is byte for byte that of a local run, and afterwards nothing is left to be done;
* every job but those ended well, once; those of a rule that runs the network held exactly one GPU in the partition with GPUs, every
  other none in the other, and never more ran at once than there are GPUs; small rules shared a job;
* the efficiency report names every rule; the log of the job that took too much memory says so;
* after a SIGKILL of snakemake the next start cancels what was left in the queue, and nothing else, before it submits
  anything; then it completes, with the same tables.

The cluster is asked for GPUs by --set-resources, because `device` stays cpu; that these are the rules that ask for one by
themselves where `device` is cuda is read from a dry run.
"""

import collections
import contextlib
import csv
import ctypes
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NETWORK_RULES = {"train_model", "randomise_model", "logits", "baselines", "attribute", "probe", "measure", "retrain"}
GPUS = 3
SMOKE = ["--configfile", "config/smoke.yaml"]
# Some figures and claims, and one each of what these have not: a method's own baselines, a probe, fine-tunings, a randomised
# network: every rule that runs a network, without every method's jobs.
TARGETS = [
    *(f"results/figures/lpi/{name}.pdf" for name in ("fig2", "fig3", "fig4")),
    *(f"results/claims/lpi.{name}.json" for name in ("e1", "e2", "e3")),
    "results/scores/digits_on_photos/resnet_small/credible/diffid/0000000-0000004.parquet",
    "results/scores/digit_pairs_on_photos/vgg_pairs/ig_uniform/sensitivity_n/0000000-0000008.parquet",
    "results/scores/digits_native/preact_digits/small_ig/diffroar/0000000-0000032.parquet",
    "results/models/digits_on_photos/resnet_1.safetensors",
]
SMALL = {"figure": "drawn_figure", "judge": "judged_judge"}  # rule -> the one job of its group
HUNGRY, SLOW = "probe", "randomise_model"  # each has one job; at the first attempt one gets too little memory, one hangs
LITTLE = [f"{HUNGRY}:mem_mb=200 if attempt == 1 else 8000", f"{SLOW}:runtime=1 if attempt == 1 else 60"]
# The plugin first asks after 40 s how jobs fare, and 10 s later each time that none has ended: five minutes for seven stages
# of jobs of 6 s. Nothing else of the command differs from what a user types.
POLL = ["--slurm-init-seconds-before-status-checks", "8"]
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
DAEMONS = ["slurmd", "slurmctld", "slurmdbd", "mariadbd", "munged"]  # ended in this order they do not wait for each other
CLIENTS = ["sbatch", "srun", "scancel", "scontrol", "sinfo", "squeue", "sacctmgr", "sacct"]
TOOLS = [*DAEMONS, *CLIENTS, "mariadb-install-db", "git", "snakemake"]
LIMIT = 1500  # s, of one run of snakemake

SLURM_CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=10
CredType=cred/munge
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={ports[2]}
AccountingStoragePass=socket={folder}/munge.socket
AccountingStoreFlags=job_comment
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
KillWait=2
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
PropagateResourceLimits=NONE
ReturnToService=0
MinJobAge=86400
SchedulerParameters=batch_sched_delay=0
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=256000 Gres=gpu:{gpus} State=UNKNOWN
PartitionName=cpu Nodes={host} Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes={host} MaxTime=INFINITE State=UP
"""

# The accounting, from which the efficiency report is read.
SLURMDBD_CONF = """\
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={ports[2]}
SlurmUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser={user}
StorageLoc=slurm
"""


class Failed(Exception):
    """A check that did not hold, in one line."""


class NotStarted(Failed):
    """The cluster did not start."""


def check(holds, problem):
    """Raise Failed with this line unless it holds."""
    if not holds:
        raise Failed(problem)


def obstacle():
    """Why no cluster can be started here, or None."""
    missing = [tool for tool in TOOLS if not shutil.which(tool, path=PATH)]
    return f"{', '.join(missing)} not found (Debian: slurm-wlm, slurmdbd, mariadb-server, munge)" if missing else None


class Cluster:
    """A SLURM cluster of one node, with everything that belongs to it in one folder."""

    def __init__(self, folder):
        self.folder, self.daemons, self.started = folder, {}, set()
        self.host = socket.gethostname().partition(".")[0]
        kept = {name: value for name, value in os.environ.items() if not re.match("SLURM_|SBATCH_|SRUN_|SNAKEMAKE_", name)}
        path = f"{folder / 'bin'}{os.pathsep}{PATH}"
        self.environment = kept | {"PATH": path, "SLURM_CONF": str(folder / "slurm.conf")}

    def start(self):
        """Start the daemons and wait until the node is idle."""
        for name in ("state", "spool", "bin"):
            (self.folder / name).mkdir(mode=0o700)
        # The executor plugin takes SLURM_CONF from the environment in which a job calls srun; this one sets it again.
        srun = self.folder / "bin/srun"
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {shutil.which("srun", path=PATH)} "$@"\n')
        srun.chmod(0o700)
        for number in range(GPUS):
            (self.folder / f"gpu{number}").touch()
        with contextlib.ExitStack() as stack:  # all held at once, so that they differ
            sockets = [stack.enter_context(socket.socket()) for _ in range(3)]
            for each in sockets:
                each.bind(("127.0.0.1", 0))
            ports = [each.getsockname()[1] for each in sockets]
        values = {"host": self.host, "user": pwd.getpwuid(os.geteuid()).pw_name}
        conf = SLURM_CONF.format(folder=self.folder, ports=ports, gpus=GPUS, **values)
        (self.folder / "slurm.conf").write_text(conf)
        (self.folder / "slurmdbd.conf").write_text(SLURMDBD_CONF.format(folder=self.folder, ports=ports, **values))
        (self.folder / "slurmdbd.conf").chmod(0o600)
        (self.folder / "gres.conf").write_text(f"AutoDetect=off\nName=gpu File={self.folder}/gpu[0-{GPUS - 1}]\n")
        version = re.search(r"(\d+)\.(\d+)", self.ask("slurmd", "-V"))  # before 23.02 a plugin must be named; v1 is left unused
        plugin = "disabled" if version and (int(version[1]), int(version[2])) >= (23, 2) else "cgroup/v1"
        (self.folder / "cgroup.conf").write_text(f"CgroupPlugin={plugin}\n")
        (self.folder / "munge.key").write_bytes(os.urandom(128))
        (self.folder / "munge.key").chmod(0o400)
        files = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munge.pid", "seed-file": "munge.seed"}
        options = [f"--{option}={self.folder / name}" for option, name in files.items()]
        self._daemon("munged", "--foreground", "--force", *options)
        self._wait((self.folder / "munge.socket").exists, 20, "munged made no socket in 20 s")
        self._start_database(values["user"])
        self._daemon("slurmdbd", "-D")
        self._wait(lambda: self.ask("sacctmgr", "--immediate", "add", "cluster", "test"), 10, "slurmdbd did not answer in 60 s")
        self._daemon("slurmctld", "-D")
        self._daemon("slurmd", "-D")
        self._wait(lambda: self.state() == "idle", 60, "the node was not idle in 60 s")

    def _start_database(self, user):
        """MariaDB on a socket in the folder, without passwords and without a port."""
        data, sock = self.folder / "database", self.folder / "mysql.socket"
        self.environment["MYSQL_UNIX_PORT"] = str(sock)
        where = ["--no-defaults", f"--datadir={data}", f"--user={user}"]
        subprocess.run(["mariadb-install-db", *where], env=self.environment, capture_output=True, check=False)
        self._daemon("mariadbd", *where, f"--socket={sock}", "--skip-networking", "--skip-grant-tables")
        self._wait(sock.exists, 60, "mariadbd made no socket in 60 s")

    def _daemon(self, name, *options):
        with open(self.folder / f"{name}.log", "w") as log:
            self.daemons[name] = subprocess.Popen(
                [name, *options], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self.started.add(self.daemons[name].pid)

    def _wait(self, holds, seconds, problem):
        deadline = time.monotonic() + seconds
        while not holds():
            ended = [name for name, process in self.daemons.items() if process.poll() is not None]
            if ended or time.monotonic() > deadline:
                raise NotStarted(f"no cluster: {', '.join(ended)} ended by itself" if ended else f"no cluster: {problem}")
            time.sleep(0.2)

    def ask(self, *command):
        """What one of SLURM's commands prints; nothing where it fails."""
        try:
            answer = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=30)
        except subprocess.TimeoutExpired:
            return ""
        return answer.stdout.strip() if answer.returncode == 0 else ""

    def state(self):
        """The state of the node."""
        return self.ask("sinfo", "--noheader", "--format=%T")

    def queue(self):
        """Id -> state of the jobs that have not ended."""
        return dict(line.split() for line in self.ask("squeue", "--noheader", "--format=%i %T").splitlines())

    def jobs(self):
        """Id -> fields of every job so far, those that ended too."""
        lines = self.ask("scontrol", "--details", "--oneliner", "show", "jobs").splitlines()
        jobs = [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines if line.startswith("JobId=")]
        return {job["JobId"]: job for job in jobs}

    def begin(self, name, folder, *options):
        """Start snakemake in a copy of the repository, in a process group of its own; its output goes to <name>.log."""
        with open(self.folder / f"{name}.log", "w") as log:
            process = subprocess.Popen(
                ["snakemake", "--cores", "all", *options, *SMOKE, "--", *TARGETS], cwd=folder, env=self.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.started.add(process.pid)
        return name, process

    def until(self, run, holds, what, limit=LIMIT):
        """Wait, while a run of snakemake goes on, until something holds; what it is then, or None where the run has ended."""
        name, process = run
        deadline = time.monotonic() + limit
        while process.poll() is None:
            if held := holds():
                return held
            check(time.monotonic() < deadline, f"the {name} run: {what} not within {limit} s")
            bury(set(descendants()) - self.started)
            time.sleep(0.2)
        return None

    def finish(self, run):
        """Wait for the end of a run of snakemake; what it printed."""
        name, process = run
        self.until(run, lambda: False, "its end")
        check(process.returncode == 0, f"the {name} run ended with exit status {process.returncode}")
        return (self.folder / f"{name}.log").read_text()

    def stop(self):
        """End every process that this test started, whatever became of its parent; those that would not go."""
        if "slurmd" in self.daemons and self.daemons["slurmctld"].poll() is None:
            self.ask("scancel", "--quiet", f"--user={os.geteuid()}")
        for name in DAEMONS:
            if name in self.daemons:
                self.daemons[name].terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.daemons[name].wait(5)
        deadline = time.monotonic() + 20
        while (left := descendants()) and time.monotonic() < deadline:
            for process in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            time.sleep(0.1)
            bury(left)
        return left


def adopt_orphans():
    """Let processes whose parent ends become children of this one, so that none can be lost."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def descendants():
    """Ids of all processes that hang on this one."""
    children = collections.defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            children[int(fields[1])].append(int(stat.parent.name))
    found, todo = [], [os.getpid()]
    while todo:
        below = children[todo.pop()]
        found += below
        todo += below
    return found


def bury(processes):
    """Take note of those of them that are children of this process and have ended, so that they leave the process table."""
    for process in processes:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process, os.WNOHANG)


def copy_repository(to):
    """Copy what belongs to the repository, committed or not yet."""
    listing = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    check(listing.returncode == 0, f"git ls-files: {listing.stderr.strip()}")
    for name in filter(None, listing.stdout.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def expected_jobs(cluster, folder):
    """Rule -> number of jobs, and the rules that ask for a GPU where there is one: from a dry run with `device: cuda`."""
    text = cluster.finish(cluster.begin("dry", folder, "--dry-run", "--quiet", "host", "--config", "device=cuda"))
    jobs = re.findall(r"^(?:local)?rule (\w+):\n((?:    .*\n)+)", text, re.MULTILINE)
    counts = collections.Counter(rule for rule, _ in jobs)
    gpu = {rule for rule, body in jobs if re.search(r"resources:.*\bgpu=1\b", body)}
    check(gpu == NETWORK_RULES, f"with device cuda these rules ask for a GPU: {sorted(gpu)}; expected: {sorted(NETWORK_RULES)}")
    return counts


ENDED = {"CANCELLED", "COMPLETED", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT"}


def rule_of(job):
    """The rule of a SLURM job: the executor plugin writes it into the comment."""
    return re.sub(r"^rule_|_wildcards_.*", "", job.get("Comment", ""))


def gpus_of(job):
    """Number of GPUs that a job held."""
    return sum(int(number) for number in re.findall(r"gpu(?::[a-z_]\w*)?:(\d+)", job.get("JOB_GRES", "")))


def seconds(job, field):
    """A time of a job, in seconds."""
    return datetime.fromisoformat(job[field]).timestamp()


def freeze(script):
    """Stop the first process of a rule's script that comes up, as if it hung."""
    while True:
        for process in descendants():
            with contextlib.suppress(OSError):
                if Path(f"/proc/{process}/cmdline").read_bytes().endswith(f".{script}.py\0".encode()):
                    os.kill(process, signal.SIGSTOP)
                    return
        time.sleep(0.1)


def disturb(cluster, run):
    """Do to a run what happens on a cluster; the jobs that it cost, and those that were started again on the node."""
    chance = random.Random(1)
    threading.Thread(target=freeze, args=(SLOW,), daemon=True).start()

    def running(spared=()):
        ids = [job for job, state in cluster.queue().items() if state == "RUNNING"]
        jobs = cluster.jobs()
        return sorted(job for job in ids if job in jobs and rule_of(jobs[job]) not in spared)

    def ended(rule):
        return [job for job, about in cluster.jobs().items() if rule_of(about) == rule and about["JobState"] in ENDED]

    cancelled = {}
    while len(cancelled) < 3:
        left = cluster.until(run, lambda: running({HUNGRY, SLOW, *cancelled.values()}), "a job to cancel")
        check(left, "the run ended before three jobs were cancelled")
        job = chance.choice(left)
        time.sleep(chance.uniform(2, 6))  # at work, not just started
        cluster.ask("scancel", job)
        cluster.until(run, lambda job=job: job not in cluster.queue(), f"the end of job {job}", 60)
        if cluster.jobs()[job]["JobState"] == "CANCELLED":
            cancelled[job] = rule_of(cluster.jobs()[job])
    first = {}
    for rule in (SLOW, HUNGRY):
        check(cluster.until(run, lambda rule=rule: ended(rule), f"the end of {rule}"), f"the run ended before {rule}")
        first[rule] = min(ended(rule), key=int)
    state = cluster.jobs()[first[SLOW]]["JobState"]
    check(state == "TIMEOUT", f"{SLOW}, which hung, ended as {state}")

    check(lost := cluster.until(run, running, "a running job"), "the run ended before the node went down")
    node = ["scontrol", "update", f"nodename={cluster.host}"]
    cluster.ask(*node, "state=down", "reason=test")
    down = cluster.until(run, lambda: cluster.state().startswith("down") and not running(), "the node down", 60)
    check(down, "the run ended while the node was down")
    cluster.ask(*node, "state=resume")
    cluster.finish(run)
    jobs = cluster.jobs()
    again = [job for job in lost if jobs[job]["Restarts"] != "0"]
    check(again, f"none of the jobs {', '.join(lost)} was started again after the node had been down")
    return {*cancelled, *first.values()}, again


def check_jobs(jobs, expected, cost):
    """All ran, but those that were cost, on the right number of GPUs; how many held one."""
    for job in jobs.values():
        name = f"job {job['JobId']} ({job.get('Comment')})"
        ended = job["JobState"] == "COMPLETED"
        check(ended != (job["JobId"] in cost), f"{name} ended as {job['JobState']}")
        wanted = int(rule_of(job) in NETWORK_RULES)
        check(gpus_of(job) == wanted, f"{name} held {gpus_of(job)} GPUs, not {wanted}")
        check(job["Partition"] == ("gpu" if wanted else "cpu"), f"{name} was in partition {job['Partition']}")
        check(job["JobName"].startswith("pathattr_"), f"{name} is called {job['JobName']}")
    counts = collections.Counter(rule_of(job) for job in jobs.values() if job["JobId"] not in cost)
    wanted = {SMALL.get(rule, rule): 1 if rule in SMALL else count for rule, count in expected.items()}
    check(counts == wanted, f"jobs on the cluster: {dict(counts)}; expected: {wanted}")
    holders = [job for job in jobs.values() if gpus_of(job)]
    events = [(seconds(job, "StartTime"), 1) for job in holders] + [(seconds(job, "EndTime"), -1) for job in holders]
    running = most = 0
    for _, change in sorted(events):  # at the same second the one that ends comes first
        running += change
        most = max(most, running)
    check(most == GPUS, f"{most} jobs held a GPU at once; the node has {GPUS}")
    return len(holders)


def check_logs(folder, jobs, cost):
    """The efficiency report has every rule, and one log of a job that was cost says that it took too much memory."""
    reports = list(folder.glob("efficiency_report_pathattr_*.csv"))
    check(len(reports) == 1, f"{len(reports)} efficiency reports, not 1")
    with open(reports[0], newline="") as file:
        named = {rule_of({"Comment": row["RuleName"]}) for row in csv.DictReader(file)}
    missing = {rule_of(job) for job in jobs.values()} - named
    check(not missing, f"rules that the efficiency report has not: {', '.join(sorted(missing))}")
    logs = {path.stem: path.read_text() for path in folder.rglob("*.log")}
    hungry = [job for job in cost if "exceeded memory limit" in logs.get(job, "")]
    check([rule_of(jobs[job]) for job in hungry] == [HUNGRY], f"jobs whose log says that they exceeded their memory: {hungry}")


def check_results(cluster, local, remote):
    """The same tables, and nothing left to be done; the number of tables."""
    tables = {name.relative_to(local): name.read_bytes() for name in sorted((local / "results/tables").rglob("*.csv"))}
    others = {name.relative_to(remote): name.read_bytes() for name in sorted((remote / "results/tables").rglob("*.csv"))}
    check(tables, "the local run wrote no table")
    check(tables.keys() == others.keys(), f"tables of one run only: {', '.join(map(str, sorted(tables.keys() ^ others.keys())))}")
    different = [str(name) for name, content in tables.items() if content != others[name]]
    check(not different, f"tables that differ between the local run and the cluster: {', '.join(different)}")
    text = cluster.finish(cluster.begin("second dry", remote, "--dry-run"))
    check("Nothing to be done" in text, "after the cluster run a dry run still finds something to do")
    return len(tables)


def check_kill(cluster, remote, options):
    """SIGKILL snakemake with jobs running and queued, start it again; what became of the jobs that were left."""
    scores = sorted((remote / "results/scores").glob("*/*/*"))[-2 * GPUS :]  # twice as many jobs as can run at once
    for removed in [*(remote / "results" / kind for kind in ("figures", "tables", "claims")), *scores]:
        shutil.rmtree(removed)
    run = _, head = cluster.begin("killed", remote, *options)
    full = cluster.until(run, lambda: {"RUNNING", "PENDING"} <= set(cluster.queue().values()), "one job running, one not", 120)
    check(full, "the run that was to be killed ended before")
    os.killpg(head.pid, signal.SIGKILL)
    head.wait()
    time.sleep(1)
    left = cluster.queue()
    check(left, "the killed run left nothing in the queue")
    command = ["sbatch", "--parsable", "--mem=100", "--output=/dev/null", f"--chdir={remote}", "--wrap=sleep 600"]
    bystander = cluster.ask(*command)  # a job that the user started in the same folder, perhaps to run snakemake itself
    before = set(cluster.jobs())
    cluster.finish(cluster.begin("restarted", remote, *options))
    jobs = cluster.jobs()
    failed = [job for job in jobs.keys() - before if jobs[job]["JobState"] != "COMPLETED"]
    check(not failed, f"jobs of the restarted run that did not complete: {', '.join(sorted(failed))}")
    for job, state in left.items():  # ended by scancel, by itself as its run was over, or by its work
        ended = jobs[job]["JobState"]
        fits = ended in ("CANCELLED", "FAILED") or state != "PENDING" and ended == "COMPLETED"
        check(fits, f"orphan {job} was {state} and ended {ended}")
    end = max(seconds(jobs[job], "EndTime") for job in left)
    begin = min(seconds(jobs[job], "SubmitTime") for job in jobs.keys() - before)
    check(end <= begin, f"an orphan ended {end - begin:.0f} s after the restarted run submitted its first job")
    check(jobs[bystander]["JobState"] == "RUNNING", f"a job that no run started: {jobs[bystander]['JobState']}, not RUNNING")
    ended = sum(jobs[job]["JobState"] != "COMPLETED" for job in left)
    return f"{ended} of the {len(left)} jobs of a killed run cancelled or ended with it"


def test(cluster):
    """The whole test; its last line."""
    start = time.monotonic()

    def say(what):
        print(f"{time.monotonic() - start:4.0f} s: {what}", flush=True)

    local, remote = cluster.folder / "local", cluster.folder / "remote"
    copy_repository(local)
    shutil.copytree(local, remote)
    cluster.start()
    expected = expected_jobs(cluster, local)
    say("cluster started")
    cluster.finish(cluster.begin("local", local))
    say("local run done")
    gpus = [f"{rule}:gpu=1" for rule in sorted(NETWORK_RULES)]
    options = ["--profile", "slurm", "--slurm-partition-config", "slurm/partitions.yaml", "--set-resources", *gpus, *LITTLE, *POLL]
    cost, again = disturb(cluster, cluster.begin("cluster", remote, *options))
    say("cluster run done")
    jobs = cluster.jobs()
    holders = check_jobs(jobs, expected, cost)
    check_logs(remote / "results/logs/slurm", jobs, cost)
    check_results(cluster, local, remote)
    say("jobs and tables checked")
    orphans = check_kill(cluster, remote, options)
    tables = check_results(cluster, local, remote)
    return (
        f"cluster test passed: {len(jobs)} jobs, {holders} held one GPU each, {len(cost)} lost and repeated, {len(again)} started "
        f"again with the node, {tables} tables equal, {orphans}, "
        f"{time.monotonic() - start:.0f} s"
    )


def print_logs(folder, lines=12):
    """Print the end of the logs; those of jobs are there for jobs that failed."""
    jobs = sorted(folder.glob("*/results/logs/slurm/**/*.log"), key=lambda path: path.stat().st_mtime)
    for log in [*jobs[-2:], *sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)]:
        text = log.read_text(errors="replace").splitlines()
        print(f"--- {log.relative_to(folder)}", *text[-(4 * lines if log in jobs else lines) :], sep="\n", file=sys.stderr)


def main():
    """Run the test, clean up whatever happens; the exit status."""
    if reason := obstacle():
        print(f"skipped: {reason}")
        return 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit())
    adopt_orphans()
    folder = Path(tempfile.mkdtemp(prefix="cluster"))
    cluster, outcome, passed = Cluster(folder), "cluster test failed: an error in the test itself", False
    try:
        outcome, passed = test(cluster), True
    except Failed as problem:
        print_logs(folder)
        passed = isinstance(problem, NotStarted) and os.geteuid() != 0  # some builds of SLURM want root
        outcome = f"skipped: {problem}, for a user who is not root" if passed else f"cluster test failed: {problem}"
    except (KeyboardInterrupt, SystemExit):
        outcome = "cluster test stopped"
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        left = cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
        if left or folder.exists():
            outcome, passed = f"cluster test left behind: processes {left}, folder {folder}; before that: {outcome}", False
        print(outcome, file=sys.stdout if passed else sys.stderr)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
