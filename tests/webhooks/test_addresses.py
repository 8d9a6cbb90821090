"""Where nothing is posted to, by table."""

import pytest

from penstock.runtime.webhook_addresses import Refused, chosen, hosts_allowed, target_of

NOBODY = frozenset[str]()
INSIDE = (
    *(
        "127.0.0.1",
        "127.9.9.9",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
    ),
    *("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1"),
    *("::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "100::1"),
    # IPv4 in IPv6 clothes: mapped, compatible, 6to4, NAT64, Teredo.
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::10.0.0.1", "2002:0a00:0001::", "64:ff9b::a9fe:a9fe"),
    *("2001:0:4136:e378:8000:63bf:3fff:fdd2", "fe80::1%eth0"),
)
OUTSIDE = (
    "93.184.216.34",
    "2606:2800:220:1:248:1893:25c8:1946",
    "::ffff:5db8:d822",
    "64:ff9b::5db8:d822",
)


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused_as_it_stands_and_as_what_a_name_means(address: str) -> None:
    with pytest.raises(Refused, match="public internet"):
        chosen(target_of("https://hooks.example.com/", NOBODY), [address])
    with pytest.raises(Refused, match="public internet"):
        chosen(target_of("https://hooks.example.com/", NOBODY), [OUTSIDE[0], address])
    literal = f"[{address}]" if ":" in address else address
    with pytest.raises(Refused):
        target_of(f"https://{literal}/", NOBODY)


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_outside_is_connected_to(address: str) -> None:
    assert str(chosen(target_of("https://hooks.example.com/", NOBODY), [address])) == address


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://hooks.example.com/",
            "ftp://hooks.example.com/",
            "hooks.example.com",
            "https://",
            "https:///path",
        ),
        *(
            "https://user:secret@hooks.example.com/",
            "https://@hooks.example.com/",
            "https://hooks.example.com/#here",
        ),
        *("https://hooks.example.com:0/", "https://hooks.example.com:99999/", "https://hooks.example.com:x/"),
        *(
            "https://hooks example.com/",
            "https://hooks.example.com\\@10.0.0.1/",
            "https://hööks.example.com/",
            "https://[::1",
        ),
        *(
            "https://hooks.example.com/\r\nHost: other",
            "https://" + "a" * 2_000,
            "https://10.0.0.1./",
            "file:///etc/passwd",
        ),
    ],
)
def test_what_is_no_url_to_post_to_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        target_of(url, NOBODY)


def test_a_host_that_the_installation_names_may_be_inside_and_without_tls() -> None:
    allowed = hosts_allowed(" Hooks.Internal , 127.0.0.1:9000,[::1]")
    inside = target_of("http://hooks.internal/x?y=1", allowed)
    assert str(chosen(inside, ["10.1.2.3"])) == "10.1.2.3"
    assert (inside.port, inside.path, inside.host_header) == (80, "/x?y=1", "hooks.internal")
    assert target_of("http://127.0.0.1:9000/", allowed).host_header == "127.0.0.1:9000"
    with pytest.raises(Refused):
        target_of("http://127.0.0.1:9001/", allowed)
    with pytest.raises(Refused):
        target_of("http://other.internal/", allowed)


def test_a_name_without_an_address_is_refused() -> None:
    with pytest.raises(Refused, match="no address"):
        chosen(target_of("https://hooks.example.com/", NOBODY), [])
