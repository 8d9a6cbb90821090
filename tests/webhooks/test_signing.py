"""What deliveries are signed with: the signature of the specification's example, and secrets that are kept sealed."""

import pytest

from penstock.producers.signing import Authority, Key, Keyring
from penstock.runtime.webhook_secrets import SecretLost, new_secret, seal, signature, unseal

OLD, NEW = Key("api-1", b"o" * 32, Authority.API), Key("api-2", b"n" * 32, Authority.API)


def test_the_signature_is_that_of_the_specifications_example() -> None:
    made = signature(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_during_a_rotation_both_secrets_sign_the_new_one_first() -> None:
    old, new = new_secret(), new_secret()
    both = signature([new, old], "id", 1, b"{}").split(" ")
    assert both == [signature([new], "id", 1, b"{}"), signature([old], "id", 1, b"{}")]


def test_a_sealed_secret_opens_again_also_after_the_signing_key_was_replaced() -> None:
    secret = new_secret()
    sealed = seal(Keyring([OLD]), "w1", secret)
    assert secret.encode() not in sealed
    assert secret.encode()[6:] not in sealed
    assert unseal(Keyring([NEW, OLD]), "w1", sealed) == secret
    assert unseal(Keyring([NEW, OLD]), "w1", seal(Keyring([NEW, OLD]), "w1", secret)) == secret


@pytest.mark.parametrize(
    ("ring", "webhook_id", "change"),
    [
        (Keyring([NEW]), "w1", lambda sealed: sealed),
        (Keyring([OLD]), "w2", lambda sealed: sealed),
        (Keyring([OLD]), "w1", lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (Keyring([OLD]), "w1", lambda sealed: b"\x07" + sealed[1:]),
        (Keyring([OLD]), "w1", lambda sealed: sealed[:9]),
        (Keyring([OLD]), "w1", lambda sealed: b""),
    ],
    ids=["key gone", "another row's", "changed", "unknown form", "cut off", "empty"],
)
def test_what_cannot_be_opened_says_to_rotate(ring: Keyring, webhook_id: str, change: object) -> None:
    sealed = seal(Keyring([OLD]), "w1", new_secret())
    with pytest.raises(SecretLost):
        unseal(ring, webhook_id, change(sealed))  # type: ignore[operator]
