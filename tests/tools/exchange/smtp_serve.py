"""Receives mail with aiosmtpd after STARTTLS only: smtp_serve.py CERTIFICATE KEY FOLDER; its port is in FOLDER/port, mails are N.eml."""
import asyncio
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP

certificate, key, folder = sys.argv[1:]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)


class Keep:
    def __init__(self):
        self.count = 0

    async def handle_DATA(self, server, session, envelope):
        if session.ssl is None:
            return "530 TLS first"
        name = os.path.join(folder, f"{self.count}.eml")
        self.count += 1
        with open(name + ".new", "wb") as file:
            file.write(envelope.content)
        os.rename(name + ".new", name)
        return "250 kept"


async def serve():
    loop = asyncio.get_running_loop()
    keep = Keep()
    protocol = lambda: SMTP(keep, require_starttls=True, tls_context=context, loop=loop)
    server = await loop.create_server(protocol, "127.0.0.1", 0)
    with open(os.path.join(folder, "port.new"), "w") as file:
        file.write(str(server.sockets[0].getsockname()[1]))
    os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
    await server.serve_forever()


asyncio.run(serve())
