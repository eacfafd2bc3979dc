"""What a client can do to an ETag."""


def weak(tag: str) -> str:
    return "W/" + tag


def decorated(tag: str) -> list[str]:
    """What proxies that compress make of a tag: nginx, Apache and Caddy, Jetty, LiteSpeed, several in a row."""
    codings = ("-gzip", "-br", "-zstd", "-deflate", "--gzip", "--br", ";gzip", ";gz", ";br", ":gzip", "-gzip-gzip", "-br;gzip")
    suffixed = [f'{tag[:-1]}{coding}"' for coding in codings]
    return [weak(tag), *suffixed, *map(weak, suffixed)]


def of_another_epoch(tag: str) -> str:
    """The same revision in a database that is not this one: what a client holds after a restore."""
    epoch, rest = tag[1:].split(".", 1)
    return f'"{epoch[::-1]}x.{rest}'


def never_given(tag: str) -> list[str]:
    """Tags that are not this one, however much they hold of it."""
    head, _, revision = tag[1:-1].rpartition(".")
    lists = [f"{revision},0", f"0,{revision}", f"{{{revision}}}", f"0{revision}", f"+{revision}", f"{revision}_"]
    tails = [*lists, "", "x", "*", "'", "1e0", "NULL"]
    others = [head, revision, f".{revision}", f"x{tag[1:-1]}", f"{tag[1:-1]}x"]
    return [f'"{opaque}"' for opaque in [*(f"{head}.{tail}" for tail in tails), *others]]


def of_revision(tag: str, revision: int) -> str:
    """The tag as it is, or was, at another revision."""
    return f'{tag.rpartition(".")[0]}.{revision}"'


def of_nobody(tag: str) -> str:
    """The same revision, without a word of whose it is: what a tag was once."""
    epoch, view, _, revision = tag.split(".")
    return f"{epoch}.{view}.{revision}"
