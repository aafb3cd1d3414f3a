"""Network namespaces, sockets and probes for the lab, in one process: Node cannot enter a namespace for each socket.

To be run in network and mount namespaces of its own, as their root (`unshare --net --mount`). Reads one JSON command a
line and answers each with one JSON line, `{"error": TEXT}` when it failed. Ends with its input or its parent; the
kernel then takes back every namespace, link and rule with it. Python 3 standard library only.
"""
import ctypes
import errno
import json
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections import deque

CLONE_NEWNET, MS_BIND, PR_SET_PDEATHSIG = 0x40000000, 0x1000, 1
SO_MARK, IPV6_RECVPKTINFO, IPV6_PKTINFO, IP_PKTINFO = 36, 49, 50, 8
SOL_PACKET, PACKET_QDISC_BYPASS = 263, 20
SYN_RECV = "03"  # include/net/tcp_states.h
BURST = 64       # sockets served between two looks at what arrived: less than a receive buffer holds
LIBC = ctypes.CDLL(None, use_errno=True)
SPACES = {}      # namespace -> descriptor
LISTENERS = {}   # descriptor -> (kind, socket, namespace)
SEEN = set()     # payloads that some listener read
FLOWS = []       # connections that stay open
POLL = select.epoll()
here = None


def call(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def enter(name):
    global here
    if name != here:
        call(LIBC.setns(SPACES[name], CLONE_NEWNET), f"setns {name}")
        here = name


def mount(source, target, kind, flags):
    call(LIBC.mount(source.encode(), target.encode(), kind and kind.encode(), flags, None), f"mount {target}")


def prepare(directories):
    """A private /run for `ip netns`, and a private tree for the cgroup paths that rules name (nft asks for inodes)."""
    mount("none", "/run", "tmpfs", 0)
    os.mkdir("/run/netns")
    if directories:
        mount("none", "/sys/fs/cgroup", "tmpfs", 0)
        for path in directories:
            os.makedirs(f"/sys/fs/cgroup/{path}", exist_ok=True)


def make(names):
    global here
    for name in names:
        call(LIBC.unshare(CLONE_NEWNET), "unshare")
        path = f"/run/netns/{name}"
        open(path, "x").close()
        mount("/proc/self/ns/net", path, None, MS_BIND)
        SPACES[name] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        here = name


def settings(namespace, values):
    enter(namespace)
    for path, value in values:
        if os.path.exists(f"/proc/sys/net/{path}"):
            with open(f"/proc/sys/net/{path}", "w") as file:
                file.write(value)


def run(jobs, timeout, at_once=8):
    """Programs in namespaces, several at once; they see PATH and nothing else of the environment."""
    results = []
    for first in range(0, len(jobs), at_once):
        started = []
        try:
            for namespace, argv, _ in jobs[first:first + at_once]:
                enter(namespace)
                pipe = subprocess.PIPE
                environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
                started.append(subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, env=environment))
            for process, (_, _, stdin) in zip(started, jobs[first:first + at_once]):
                out, err = process.communicate(stdin.encode(), timeout=timeout)
                results.append([process.returncode, out.decode(errors="replace"), err.decode(errors="replace")])
        finally:
            for process in started:
                process.kill()  # does nothing to one that has ended
    return results


def new_socket(namespace, family, kind):
    enter(namespace)
    return socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, kind | socket.SOCK_NONBLOCK)


def listen(namespace, proto, port):
    """Answers a port on every address of both families with whatever came."""
    for family in (4, 6):
        s = new_socket(namespace, family, socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == 6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind(("::" if family == 6 else "0.0.0.0", port))
        if proto == "tcp":
            s.listen(4096)
        elif family == 6:
            s.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
        else:
            s.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        LISTENERS[s.fileno()] = (proto, s)
        POLL.register(s.fileno(), select.EPOLLIN)


def serve(fd):
    """Something happened at a listener, or at a connection it took."""
    kind, s = LISTENERS[fd]
    try:
        if kind == "tcp":
            while True:
                peer, _ = s.accept()
                peer.setblocking(False)
                LISTENERS[peer.fileno()] = ("peer", peer)
                POLL.register(peer.fileno(), select.EPOLLIN)
        elif kind == "peer":
            data = s.recv(256)
            SEEN.add(data.decode(errors="replace"))
            if data:
                s.send(data)
            else:
                close(fd)
        else:
            while True:
                data, control, _, peer = s.recvmsg(256, 128)
                SEEN.add(data.decode(errors="replace"))
                try:
                    s.sendmsg([data], [answer_from(*c) for c in control], 0, peer)
                except OSError:
                    pass  # The answer was not let out: the prober will miss it.
    except BlockingIOError:
        pass
    except OSError:
        close(fd)


def answer_from(level, kind, data):
    """The address that a datagram came to is the one that its answer comes from (ip(7) IP_PKTINFO, ipv6(7))."""
    if level == socket.IPPROTO_IP:
        return level, kind, struct.pack("=i4s4s", 0, data[4:8], b"\0" * 4)
    return level, kind, data[:16] + (data[16:20] if data[:2] == b"\xfe\x80" else b"\0" * 4)


def close(fd):
    _, s = LISTENERS.pop(fd)
    POLL.unregister(fd)
    s.close()


def open_probe(p):
    """A socket bound as the probe says: interface, source address and port, owner, mark."""
    if p["uid"] is not None:
        LIBC.setfsuid(p["uid"])
    try:
        s = new_socket(p["ns"], p["family"], socket.SOCK_STREAM if p["proto"] == "tcp" else socket.SOCK_DGRAM)
    finally:
        if p["uid"] is not None:
            LIBC.setfsuid(os.geteuid())
    if p["mark"] is not None:
        s.setsockopt(socket.SOL_SOCKET, SO_MARK, p["mark"])
    if p["dev"] is not None:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, p["dev"].encode())
    if p["src"] is not None:
        s.bind(address_of(p, p["src"], p["sport"]))
    return s


def address_of(p, address, port):
    if p["family"] == 4:
        return (address, port)
    scope = socket.if_nametoindex(p["dev"]) if address.startswith("fe80") and p["dev"] else 0
    return (address, port, 0, scope)


KEYS = ("ns", "proto", "family", "src", "sport", "dst", "dport", "dev", "uid", "mark", "receiver", "as")


def probe(run_id, items, timeout, window):
    """Sends every probe; an answer is the probe's own id come back. Returns [outcome, delivered] for each."""
    probes = [dict(zip(KEYS, item)) for item in items]
    results = [["timeout", False] for _ in probes]
    queue, flying, deadlines, connected = deque(range(len(probes))), {}, deque(), set()
    udp, by_fd, unheard = {}, {}, set()

    def name(i):
        return f"{run_id}-{i}"

    def end(i, outcome):
        results[i][0] = outcome

    def land(fd, outcome):
        i, s = flying.pop(fd)
        end(i, outcome)
        POLL.unregister(fd)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()

    def launch(i):
        p = probes[i]
        if p["proto"] == "udp":
            key = (p["ns"], p["family"], p["src"], p["sport"], p["dev"], p["uid"], p["mark"])
            if key not in udp:
                udp[key] = open_probe(p)
                POLL.register(udp[key].fileno(), select.EPOLLIN)
                by_fd[udp[key].fileno()] = udp[key]
            enter(p["ns"])  # a link-local address needs its interface's number there
            udp[key].sendto(name(i).encode(), address_of(p, p["dst"], p["dport"]))
            unheard.add(i)
            return
        s = open_probe(p)
        flying[s.fileno()] = (i, s)
        POLL.register(s.fileno(), select.EPOLLOUT)
        deadlines.append((time.monotonic() + timeout, s.fileno(), i))
        code = s.connect_ex(address_of(p, p["dst"], p["dport"]))
        if code not in (0, errno.EINPROGRESS):
            land(s.fileno(), errno.errorcode.get(code, str(code)))
        else:
            p["local"] = s.getsockname()

    def fly(fd):
        i, s = flying[fd]
        try:
            if i not in connected:
                code = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code != 0:
                    return land(fd, errno.errorcode.get(code, str(code)))
                connected.add(i)
                s.send(name(i).encode())
                POLL.modify(fd, select.EPOLLIN)
            else:
                data = s.recv(256)
                land(fd, "answered" if data.decode(errors="replace") == name(i) else "ECONNRESET")
        except OSError as error:
            land(fd, errno.errorcode.get(error.errno, str(error.errno)))

    def hear(s):
        try:
            while True:
                number = s.recv(256).decode(errors="replace").rpartition("-")
                if number[0] == run_id:
                    unheard.discard(int(number[2]))
                    end(int(number[2]), "answered")
        except OSError:
            pass

    silence = time.monotonic() + timeout
    while queue or flying or (unheard and time.monotonic() < silence):
        for _ in range(min(BURST, len(queue), max(0, window - len(flying)))):
            i = queue.popleft()
            try:
                launch(i)
            except OSError as error:
                end(i, errno.errorcode.get(error.errno, str(error.errno)))
            silence = time.monotonic() + timeout
        events = POLL.poll(0 if queue and len(flying) < window else 0.01, 4096)
        for fd, _ in events:
            if fd in LISTENERS:
                serve(fd)
            elif fd in flying:
                fly(fd)
            elif fd in by_fd:
                hear(by_fd[fd])
        now = time.monotonic()
        # Only when nothing waits to be read is a deadline a deadline: a busy machine is no firewall.
        while not events and deadlines and deadlines[0][0] < now:
            _, fd, i = deadlines.popleft()
            if fd in flying and flying[fd][0] == i:
                land(fd, "connected" if i in connected else "timeout")
        while deadlines and deadlines[0][1] not in flying:
            deadlines.popleft()
    for s in udp.values():
        POLL.unregister(s.fileno())
        s.close()
    unanswered = [p for p, r in zip(probes, results) if "local" in p and r[0] != "answered"]
    halves = half_open({p["receiver"] for p in unanswered if p["receiver"]})
    for i, p in enumerate(probes):
        if name(i) in SEEN or i in connected or results[i][0] == "ECONNREFUSED":
            results[i][1] = True
        elif "local" in p:
            source = p["as"] or p["local"][0].partition("%")[0]
            results[i][1] = (p["receiver"], source, p["local"][1], p["dport"]) in halves
    return results


def half_open(namespaces):
    """Connections whose SYN passed the input hook and whose answer did not come back (proc_net_tcp)."""
    found = set()
    for namespace in namespaces:
        enter(namespace)
        for family, size in (("tcp", 8), ("tcp6", 32)):
            with open(f"/proc/self/net/{family}") as file:
                for line in file.readlines()[1:]:
                    _, local, remote, state = line.split()[:4]
                    if state == SYN_RECV:
                        # In hexadecimal, word by word of 32 bits as they lie in memory.
                        words = struct.unpack(f">{size // 8}I", bytes.fromhex(remote[:size]))
                        raw = struct.pack(f"={len(words)}I", *words)
                        text = socket.inet_ntop(socket.AF_INET6 if size == 32 else socket.AF_INET, raw)
                        found.add((namespace, text, int(remote[size + 1:], 16), int(local[size + 1:], 16)))
    return found


def pump(done, timeout):
    """Serves the listeners until something is so, or nothing came for that long."""
    deadline = time.monotonic() + timeout
    while not done() and time.monotonic() < deadline:
        for fd, _ in POLL.poll(0.01, 4096):
            if fd in LISTENERS:
                serve(fd)
    return done()


def open_flow(item, timeout):
    """A TCP connection that stays; -1 when it does not come about."""
    p = dict(zip(KEYS, item))
    s = open_probe(p)
    s.connect_ex(address_of(p, p["dst"], p["dport"]))
    FLOWS.append(s)
    writable = lambda: bool(select.select([], [s], [], 0)[1])
    return len(FLOWS) - 1 if pump(writable, timeout) and s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0 else -1


def talk(flow, text, timeout):
    """Sends a line over an open flow; [it arrived, its echo came back]."""
    s, heard = FLOWS[flow], []

    def hear():
        try:
            heard.append(s.recv(4096).decode(errors="replace"))
        except OSError:
            pass
        return any(text in h for h in heard)

    try:
        s.send(text.encode())
    except OSError:
        return [False, False]
    echoed = pump(hear, timeout)
    return [any(text in id for id in SEEN), echoed]


def frame(namespace, device, data, bypass):
    """Puts a whole Ethernet frame on a link, past the IP layer (packet(7)); with `bypass` past its queue as well."""
    enter(namespace)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as s:
        s.bind((device, 0))
        if bypass:
            s.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        try:
            s.send(bytes.fromhex(data))
        except OSError:
            pass  # Refused at the device's own hook: it will not arrive.


def seen(text, timeout):
    """Whether some listener has read it."""
    return pump(lambda: text in SEEN, timeout)


COMMANDS = {"prepare": prepare, "make": make, "settings": settings, "run": run, "listen": listen, "probe": probe,
            "open_flow": open_flow, "talk": talk, "frame": frame, "seen": seen}


def main():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print(json.dumps({"ready": os.getpid()}), flush=True)
    for line in sys.stdin:
        try:
            command, arguments = json.loads(line)
            answer = {"done": COMMANDS[command](*arguments)}
        except Exception as error:  # whatever it is, the other end says it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main()
