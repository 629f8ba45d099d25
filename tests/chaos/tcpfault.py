"""A TCP proxy that does to connections what bad networks do. It listens on one address on the ports
of another and passes everything on; `Proxy` then cuts, stalls, delays, resets, swallows, doubles or
refuses, for as long as it is told. In the process and on the loop of its user.

The parts of a cluster get behind it by --listen HERE --advertise PROXY, with --controller at the
proxy's address too: all that they tell each other then leads through it."""
import asyncio
import contextlib
import os
import socket
import struct

UP, DOWN = 0, 1  # towards who listens, towards who connected
RECORDED_MAX = 256 * 1024
PIECE = 64 * 1024


class Link:
    """One connection: two sockets and two pumps."""

    def __init__(self, proxy, port, client):
        self.proxy, self.port = proxy, port
        self.reader, self.writer = client
        self.client_port = self.writer.get_extra_info("peername")[1]
        self.target = None
        self.open = [asyncio.Event(), asyncio.Event()]  # by direction
        self.delay = [0.0, 0.0]
        self.cut_in = [False, False]  # the next piece is passed on in part, then all is cut
        self.swallows = [False, False]
        self.recorded = bytearray()   # the first bytes that went up
        self.closed = False
        for gate in self.open:
            gate.set()

    async def serve(self):
        try:
            reader, self.target = await asyncio.open_connection(self.proxy.target_host, self.port)
        except OSError:
            return self.close(reset=True)
        pumps = [asyncio.create_task(self._pump(self.reader, self.target, UP)),
                 asyncio.create_task(self._pump(reader, self.writer, DOWN))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            self.close()

    async def _pump(self, reader, writer, way):
        with contextlib.suppress(OSError):
            while piece := await reader.read(PIECE):
                if way == UP and len(self.recorded) < RECORDED_MAX:
                    self.recorded += piece
                if self.delay[way]:
                    await asyncio.sleep(self.delay[way])
                await self.open[way].wait()
                if self.cut_in[way]:
                    writer.write(piece[:max(1, len(piece) // 2)])
                    await writer.drain()
                    return
                if not self.swallows[way]:
                    writer.write(piece)
                    await writer.drain()

    def close(self, reset=False):
        """Both sides; by RST, with what is still in the buffers lost, or in order."""
        self.closed = True
        self.proxy.links.discard(self)
        for gate in self.open:
            gate.set()
        for writer in (self.writer, self.target):
            if writer is not None:
                end(writer, reset)


def end(writer, reset):
    with contextlib.suppress(OSError):
        if reset:
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        else:
            writer.close()


def ports_of(pid):
    """Local ports of the TCP sockets that the process has open."""
    inodes = set()
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                inodes.add(os.readlink(f"/proc/{pid}/fd/{name}"))
    ports = set()
    with open("/proc/net/tcp", encoding="ascii") as table:
        next(table)
        for line in table:
            words = line.split()
            if f"socket:[{words[9]}]" in inodes:
                ports.add(int(words[1].split(":")[1], 16))
    return ports


class Proxy:
    def __init__(self, host, target_host, ports):
        self.host, self.target_host, self.ports = host, target_host, ports
        self.links = set()
        self.servers = []
        self.refused = set()  # ports where nobody is let in
        self.cut_off = {}     # pid -> ways that its new connections do not go
        self.opened = 0
        self.tasks = set()

    async def start(self):
        for port in self.ports:
            self.servers.append(await asyncio.start_server(
                lambda r, w, port=port: self._accept(port, r, w), self.host, port, backlog=512))

    async def _accept(self, port, reader, writer):
        if port in self.refused:
            return end(writer, reset=True)
        self.opened += 1
        link = Link(self, port, (reader, writer))
        for pid, ways in self.cut_off.items():
            if link.client_port in ports_of(pid):
                for way in ways:
                    link.open[way].clear()
        self.links.add(link)
        await link.serve()

    def of_pid(self, pid):
        ports = ports_of(pid)
        return [link for link in self.links if link.client_port in ports]

    def ordered(self):
        return sorted(self.links, key=lambda link: (link.port, link.client_port))

    def later(self, seconds, call):
        async def wait():
            await asyncio.sleep(seconds)
            call()
        task = asyncio.create_task(wait())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    # ---- faults

    def stall(self, links, ways, seconds):
        """Nothing passes those ways for so long; then all of it does."""
        for link in links:
            for way in ways:
                link.open[way].clear()

        def go_on():
            for link in links:
                for way in ways:
                    link.open[way].set()
        self.later(seconds, go_on)

    def partition(self, pid, ways, seconds):
        """Neither do the connections that the process makes meanwhile. Those that stood still are
        reset at its end, as a network does that has forgotten them."""
        links = self.of_pid(pid)
        self.cut_off[pid] = ways
        for link in links:
            for way in ways:
                link.open[way].clear()

        def heal():
            self.cut_off.pop(pid, None)
            for link in set(links) | set(self.of_pid(pid)):
                link.close(reset=True)
        self.later(seconds, heal)

    def half_open(self, link, seconds):
        """Who listens sees the end of it; who connected sees nothing, and what it sends is gone."""
        link.swallows = [True, True]
        self.later(seconds, lambda: link.close(reset=True))

    def slow_down(self, link, delay, seconds):
        link.delay = [delay, delay]

        def speed_up():
            link.delay = [0.0, 0.0]
        self.later(seconds, speed_up)

    def refuse(self, ports, seconds):
        """Cuts what is there, and lets nobody in for so long."""
        self.refused |= set(ports)
        for link in self.ordered():
            if link.port in ports:
                link.close()
        self.later(seconds, lambda: self.refused.difference_update(ports))

    def double(self, link, seconds):
        """Says all that the client has said so far a second time, on a connection of its own, and
        takes what comes back for so long."""
        said = bytes(link.recorded)

        async def again():
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection(self.target_host, link.port)
                writer.write(said)
                with contextlib.suppress(asyncio.TimeoutError):
                    async with asyncio.timeout(seconds):
                        while await reader.read(PIECE):
                            pass
                end(writer, reset=True)
        task = asyncio.create_task(again())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def heal(self):
        for task in list(self.tasks):
            task.cancel()
        self.refused.clear()
        self.cut_off.clear()
        for link in self.ordered():
            if not all(gate.is_set() for gate in link.open) or any(link.swallows):
                link.close(reset=True)
            link.delay = [0.0, 0.0]

    async def stop(self):
        self.heal()
        for server in self.servers:
            server.close()
        for link in self.ordered():
            link.close(reset=True)
