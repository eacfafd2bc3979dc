"""What clients of httpx are given where only plain http is spoken, as with everything that tests start on this machine.

A client that is given nothing reads the certificates of all the world's authorities when it is made: 20 to 40 ms of processor
time, before a test of 50.
"""

import ssl

PLAIN_HTTP = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""It trusts nobody: a client that met https would be refused."""
