"""Databricks: workspaces and accounts, and tokens that end too soon."""

from typing import ClassVar

from oauthreg_databricks import Databricks, DatabricksSettings

from oauthreg.testing import ProviderPluginTests, Sample, answer


def test_an_account_has_its_id_in_the_path():
    settings = DatabricksSettings(host="accounts.cloud.databricks.com", account_id="1-2")
    assert Databricks(settings).endpoints() == {
        "token-uri": "https://accounts.cloud.databricks.com/oidc/accounts/1-2/v1/token"
    }


class TestConformance(ProviderPluginTests):
    plugin = Databricks
    name = "databricks"
    settings: ClassVar = {"host": "dbc-1.cloud.databricks.com"}
    registration: ClassVar = {"client-id": "my-client"}
    samples: ClassVar = [
        Sample(
            answer(access_token="eyJraWQ", token_type="Bearer", expires_in=3600, scope="all-apis"),
            token="eyJraWQ",
            lifetime=3600,
            scopes=["all-apis"],
            api_uri="https://dbc-1.cloud.databricks.com",
        ),
        Sample(answer(401, error="invalid_client"), hint="OAuth secret of the principal"),
        Sample(answer(400, error="unauthorized_client"), hint="service principal"),
    ]


class TestAccount(TestConformance):
    settings: ClassVar = {"host": "accounts.cloud.databricks.com", "account-id": "1-2"}
    samples: ClassVar = TestConformance.samples[1:]
