import pytest

from hub.auth.model import Scope
from hub.channels.template_check import shipped_sources

MJML = shipped_sources()[0]
DRAFT = """mutation($input: DraftEmailTemplateInput!) { draftEmailTemplate(input: $input) {
  template { key version state createdBy } errors { __typename code message path } } }"""
PUBLISH = """mutation($input: PublishEmailTemplateInput!) { publishEmailTemplate(input: $input) {
  template { version state } errors { code path } } }"""
ROLL_BACK = """mutation($input: RollBackEmailTemplateInput!) { rollBackEmailTemplate(input: $input) {
  template { version } errors { code path } } }"""
PREVIEW = """query($version: Int!) { previewEmailTemplate(key: "newsletter", version: $version, scenario: "newsletter",
  for: {userId: "ada"}) { servedId ... on EmailExperience { html } } }"""
VERSIONS = '{ emailTemplates(key: "newsletter") { version state mjml createdAt } }'


async def test_a_marketer_drafts_looks_publishes_and_takes_it_back(house):
    mjml = MJML.replace("{{ greeting }}", "A good day, {{ greeting }}")
    drafted = await house.data(DRAFT, {"input": {"key": "newsletter", "mjml": mjml}})
    saved = drafted["draftEmailTemplate"]
    assert saved["errors"] == []
    assert saved["template"]["state"] == "DRAFT"
    version = saved["template"]["version"]
    seen = (await house.data(PREVIEW, {"version": version}))["previewEmailTemplate"]
    assert seen["servedId"] is None
    assert "A good day, " in seen["html"]
    change = {"input": {"key": "newsletter", "version": version}}
    assert (await house.data(PUBLISH, change))["publishEmailTemplate"]["template"]["state"] == "PUBLISHED"
    listed = (await house.data(VERSIONS))["emailTemplates"]
    assert listed[0] == {
        "version": version,
        "state": "PUBLISHED",
        "mjml": mjml,
        "createdAt": "2026-03-02T10:00:00.000Z",
    }
    assert listed[-1]["mjml"] == MJML
    back = await house.data(ROLL_BACK, {"input": {"key": "newsletter"}})
    assert back["rollBackEmailTemplate"]["template"]["version"] == 0


async def test_a_syntax_error_is_typed_and_points_at_the_line(house):
    broken = MJML.replace("{{ greeting }}", "{{ greeting | shout }}")
    line = broken[: broken.index("| shout")].count("\n") + 1
    before = await house.rows("email_template_versions")
    told = await house.data(DRAFT, {"input": {"key": "newsletter", "mjml": broken}})
    (error,) = told["draftEmailTemplate"]["errors"]
    assert told["draftEmailTemplate"]["template"] is None
    assert (error["__typename"], error["code"]) == ("InvalidInputError", "LIQUID_SYNTAX")
    assert error["path"] == ["input", "mjml", str(line)]
    assert f"line {line}" in error["message"]
    assert await house.rows("email_template_versions") == before


@pytest.mark.parametrize("scope", [Scope.BROWSE, Scope.AGENT, Scope.RENDERER, Scope.INGEST])
async def test_nobody_but_administrators_may(house, scope):
    told = await house.data(DRAFT, {"input": {"key": "newsletter", "mjml": MJML}}, by=scope)
    assert told["draftEmailTemplate"]["errors"][0]["code"] == "FORBIDDEN"
    assert await house.refusal(VERSIONS, by=scope) == "FORBIDDEN"
    assert await house.refusal(PREVIEW, {"version": 0}, by=scope) == "FORBIDDEN"
