"""Ten lines that prove an integration: a citizen's name arrives, masked, and once."""

# [test]
import pytest
from django.urls import reverse


@pytest.mark.django_db
def test_a_citizen_proves_a_real_name(admin_client, wechat_sandbox, citizen):
    body = {"auth_token": wechat_sandbox.issue_auth_token(citizen)}
    url = reverse("wx_realname:verifications")
    first = admin_client.post(url, body, content_type="application/json")
    again = admin_client.post(url, body, content_type="application/json")
    assert first.status_code == 201 and first.json()["real_name"] == "*三"
    assert again.status_code == 200 and again.json() == first.json()
    assert wechat_sandbox.totals["getrealnameinfo"] == 1


# [end]
