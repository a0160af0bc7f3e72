"""Certificates and keys: what the array shows of itself, and where its disks' keys are."""
from infinisdk.core.exceptions import APICommandFailed
from infinisim import Lab

with Lab() as lab:
    system = lab.arrays[0].sdk()

    # The array comes with a certificate of its own, and makes requests for others to sign.
    [certificate] = system.certificates.get_certificates().to_list()
    shown = certificate["certificate"]
    assert shown["issued_to"] == shown["issued_by"] and not shown["expired"]
    print(f"signed by itself, {shown['signature_algorithm']}")

    # It makes a request for another one, for an authority to sign.
    request = system.certificates.generate_self_signed({"CN": "box.example.com"})
    assert "BEGIN CERTIFICATE REQUEST" in str(request)

    # A server of keys has those of encrypted disks.
    assert system.kms.get_config()["kmip_connectivity_state"] == "NOT_CONFIGURED"
    system.kms.set_config({"kms_username": "box"})
    assert system.kms.get_config()["kms_username"] == "box" and not system.kms.is_enabled()
    try:
        system.kms.enable()
    except APICommandFailed as refusal:
        print(f"refused: {refusal.error_code}")  # it has no certificate for that server yet
    else:
        raise AssertionError("keys are kept without a certificate")
