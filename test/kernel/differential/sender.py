"""Sends prepared packets from two network namespaces; told by JSON lines on stdin, answers one line each.

{"frames": [[device, hex], ...]}  Ethernet frames out of a device of the peer's namespace
{"raws": [[family, mark, uid, hex], ...]}  IP packets from a raw socket of that user in the host's namespace
Standard library only: Node can neither enter a namespace nor open such sockets.
"""
import ctypes
import json
import os
import socket
import sys

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
SO_MARK = 36
IPV6_HDRINCL = 36


def enter(name):
    with open("/run/netns/" + name) as file:
        if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


host, peer = sys.argv[1], sys.argv[2]
links = {}
raws = {}


def link(device):
    if device not in links:
        enter(peer)
        links[device] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        links[device].bind((device, 0))
    return links[device]


def raw(family, mark, uid):
    key = (family, mark, uid)
    if key not in raws:
        enter(host)
        libc.setfsuid(uid)
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        raws[key] = socket.socket(kind, socket.SOCK_RAW, socket.IPPROTO_RAW)
        libc.setfsuid(0)
        raws[key].setsockopt(socket.SOL_SOCKET, SO_MARK, mark)
        raws[key].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
        if family == 6:
            raws[key].setsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL, 1)
    return raws[key]


for line in sys.stdin:
    order = json.loads(line)
    failed = 0
    for device, data in order.get("frames", []):
        link(device).send(bytes.fromhex(data))
    for family, mark, uid, data in order.get("raws", []):
        packet = bytes.fromhex(data)
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        to = socket.inet_ntop(kind, packet[16:20] if family == 4 else packet[24:40])
        try:
            raw(family, mark, uid).sendto(packet, (to, 0))
        except PermissionError:
            pass  # dropped by a rule
        except OSError:
            failed += 1
    print(json.dumps({"failed": failed}), flush=True)
