"""Which connections a fault of the network hits, and how: drawn from the fault's own generator."""
from tcpfault import DOWN, UP

KINDS = {"net_cut": 3, "net_cut_in_frame": 3, "net_reset": 2, "net_stall": 2, "net_half_open": 2,
         "net_delay": 2, "net_refuse": 2, "net_double": 3, "net_partition": 3}
WAYS = ((UP,), (DOWN,), (UP, DOWN))


def some_link(proxy, rng):
    """A channel first, so that the many lanes do not hide the few others."""
    links = proxy.ordered()
    if not links:
        return None
    kind = rng.choice(sorted({kind_of(link.port) for link in links}))
    return rng.choice([link for link in links if kind_of(link.port) == kind])


def kind_of(port):
    names = ("control", "signal", "results", "acks", "lease", "facts", "intake")
    return names[port - 21000] if port - 21000 < len(names) else "lane"


def do(cluster, proxy, kind, rng):
    what = kind.removeprefix("net_")
    seconds = rng.choice((0.2, 1.0, 4.0, 8.0)) * rng.uniform(0.5, 1)
    if what == "partition":
        part = rng.choice([p for p in cluster.parts.values() if p.role != "controller"])
        processes = part.processes()
        if not processes:
            return f"none, {part.name} is not there"
        ways = rng.choice(WAYS)
        proxy.partition(processes[-1], ways, seconds)
        return f"{part.name} {ways} {seconds:.1f} s"
    link = some_link(proxy, rng)
    if link is None:
        return "none, there is no connection"
    if what == "cut":
        link.close()
    elif what == "reset":
        link.close(reset=True)
    elif what == "cut_in_frame":
        link.cut_in[rng.choice((UP, DOWN))] = True
    elif what == "stall":
        proxy.stall([link], rng.choice(WAYS), seconds)
    elif what == "half_open":
        proxy.half_open(link, seconds)
    elif what == "delay":
        proxy.slow_down(link, rng.uniform(0.01, 0.4), seconds)
    elif what == "refuse":
        proxy.refuse([link.port], seconds)
    elif what == "double":
        proxy.double(link, seconds)
    return f"{kind_of(link.port)} {link.port} {seconds:.1f} s"
