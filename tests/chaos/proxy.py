"""A TCP proxy between clients and a server that loses connections: before the request is through, or its reply."""

import asyncio
from contextlib import suppress
from random import Random

CHUNK = 65_536


class CuttingProxy:
    """Passes bytes on; of the connections a share is cut once a request went in and before its reply came out."""

    def __init__(self, target_port: int, *, random: Random, share: float = 0.0) -> None:
        self.target_port, self.share = target_port, share
        self.cuts = 0
        self._random = random
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """Listen on a free port and return it."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut_all(self) -> None:
        """Cut every connection there is."""
        self.cuts += len(self._open)
        for writer in list(self._open):
            writer.transport.abort()

    async def stop(self) -> None:
        """Listen no more, and let every connection end."""
        self._server.close()
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await asyncio.sleep(0)  # what was aborted is closed in the next turn of the loop

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        self._open.add(writer)
        try:
            await asyncio.gather(self._pass_on(reader, forth, cuts=False), self._pass_on(back, writer, cuts=True))
        finally:
            self._open.discard(writer)
            for one in (writer, forth):
                one.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, cuts: bool) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while chunk := await reader.read(CHUNK):
                if cuts and self._random.random() < self.share:
                    self.cuts += 1
                    writer.transport.abort()  # the server did it, and the client never hears
                    break
                writer.write(chunk)
                await writer.drain()
        writer.transport.abort() if cuts else writer.close()
