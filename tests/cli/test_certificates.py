"""Whose certificates calls believe: those of the AWS configuration, as every tool of AWS does."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.cli.conftest import Terminal
from tests.cli.fake_api import FakeApi, serving


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate of 127.0.0.1 that nobody knows, and its key beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A company's own authority")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    directory = tmp_path_factory.mktemp("certificate")
    (directory / "key.pem").write_bytes(private)
    (directory / "certificate.pem").write_bytes(made.public_bytes(pem))
    return directory / "certificate.pem"


@pytest.fixture
def encrypted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    """Serve a fake API over TLS with that certificate."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, certificate.parent / "key.pem")
    with serving(FakeApi(listed={"/plans": []}), tls=tls) as served:
        monkeypatch.setenv("WAVEBREAK_API_URL", served.url)
        yield served


def test_a_certificate_that_nobody_knows_is_refused(encrypted: FakeApi, wavebreak: Terminal) -> None:
    outcome = wavebreak("plan", "list")
    assert outcome.exit_code == 4
    assert "CERTIFICATE_VERIFY_FAILED" in outcome.err
    assert encrypted.requests == []


@pytest.mark.usefixtures("encrypted")
def test_aws_ca_bundle_is_believed(wavebreak: Terminal, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    assert wavebreak("plan", "list").exit_code == 0


@pytest.mark.usefixtures("encrypted")
def test_the_ca_bundle_of_the_profile_is_believed_and_the_environment_goes_before_it(
    wavebreak: Terminal, certificate: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys = "aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = secret"
    (tmp_path / "config").write_text(f"[profile corporate]\n{keys}\nca_bundle = {certificate}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert wavebreak("--profile", "corporate", "plan", "list").exit_code == 0
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere.pem")
    assert wavebreak("--profile", "corporate", "plan", "list").exit_code == 3


@pytest.mark.parametrize("bundle", ["/nowhere.pem", "/dev/null", "", " "])
def test_a_bundle_that_is_none_is_a_wrong_setting_and_named(
    encrypted: FakeApi, wavebreak: Terminal, monkeypatch: pytest.MonkeyPatch, bundle: str
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", bundle)
    outcome = wavebreak("plan", "list")
    assert outcome.exit_code == 3
    assert f"certificates of AWS_CA_BUNDLE or ca_bundle, {bundle!r}, cannot be read: " in outcome.err
    assert encrypted.requests == []


def test_where_nothing_is_encrypted_nothing_is_read(
    api: FakeApi, wavebreak: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere.pem")
    api.listed["/plans"] = []
    assert wavebreak("plan", "list").exit_code == 0
