"""Events in the shape in which providers send them (their pages are named in the modules that read them)."""

from typing import Any

ZEROS = "0" * 40
OLD = "a10867b14bb761a232cd80139fbd4c0d33264240"
NEW = "da1560886d4f094c3e6c9ef40349f7d38b5d27d7"
ORG = "https://git.example.test/acme/site"

Payload = dict[str, Any]


def hub(**changes: Any) -> Payload:
    """Return a push of GitHub, Gitea, Forgejo or Gogs."""
    person = {"name": "jo", "email": "jo@example.test", "login": "jo", "id": 7}
    commit = {
        "id": NEW,
        "message": "Übersicht 🚀\n\nSecond line",
        "timestamp": "2026-11-02T09:12:01+01:00",
        "author": person,
        "added": [],
        "removed": ["old.html"],
        "modified": ["index.html"],
    }
    repository = {
        "id": 186853002,
        "name": "site",
        "full_name": "acme/site",
        "private": True,
        "owner": {"login": "acme", "id": 21031067},
        "html_url": ORG,
        "git_url": "git://git.example.test/acme/site.git",
        "ssh_url": "git@git.example.test:acme/site.git",
        "clone_url": f"{ORG}.git",
        "fork": False,
        "size": 1.5e3,
        "default_branch": "main",
        "mirror_url": None,
    }
    made = {"ref": "refs/heads/main", "before": OLD, "after": NEW, "created": False, "deleted": False, "forced": False}
    rest = {"base_ref": None, "compare": f"{ORG}/compare/a...b", "commits": [commit], "head_commit": commit}
    return {**made, **rest, "repository": repository, "pusher": person, "sender": person, **changes}


def hub_tag() -> Payload:
    """Return the push of a tag."""
    return hub(ref="refs/tags/v1.2.0", before=ZEROS, created=True, base_ref="refs/heads/main", commits=[])


def hub_deleted() -> Payload:
    """Return the push that removes a branch."""
    return hub(ref="refs/heads/old", after=ZEROS, deleted=True, head_commit=None, commits=[])


def hub_ping() -> Payload:
    """Return what GitHub sends when a webhook is made."""
    hook = {"type": "Repository", "id": 1, "active": True, "events": ["push"], "config": {"content_type": "json"}}
    return {
        "zen": "Half measures are as bad as nothing at all.",
        "hook_id": 1,
        "hook": hook,
        **_only(hub(), "repository"),
    }


def _only(payload: Payload, *keys: str) -> Payload:
    return {key: payload[key] for key in keys}


def gitlab(**changes: Any) -> Payload:
    """Return a push of GitLab."""
    project = {
        "id": 15,
        "name": "Site",
        "web_url": ORG,
        "avatar_url": None,
        "git_ssh_url": "git@git.example.test:acme/site.git",
        "git_http_url": f"{ORG}.git",
        "namespace": "Acme",
        "visibility_level": 0,
        "path_with_namespace": "acme/site",
        "default_branch": "trunk",
    }
    repository = {"name": "Site", "git_http_url": f"{ORG}.git", "git_ssh_url": "git@git.example.test:acme/site.git"}
    made = {"object_kind": "push", "event_name": "push", "before": OLD, "after": NEW, "ref": "refs/heads/trunk"}
    rest = {"ref_protected": True, "checkout_sha": NEW, "user_id": 4, "project_id": 15, "total_commits_count": 1}
    commits = [{"id": NEW, "message": "Update\n", "added": ["a"], "modified": [], "removed": []}]
    return {**made, **rest, "project": project, "repository": repository, "commits": commits, **changes}


def gitlab_tag() -> Payload:
    """Return the push of a tag."""
    return gitlab(object_kind="tag_push", event_name="tag_push", ref="refs/tags/v1.2.0", before=ZEROS)


def gitlab_deleted() -> Payload:
    """Return the push that removes a branch."""
    return gitlab(ref="refs/heads/old", after=ZEROS, checkout_sha=None, commits=[])


def gitlab_system() -> Payload:
    """Return what a hook of the whole system hears of a push of several refs."""
    refs = ["refs/heads/trunk", "refs/tags/v2"]
    changes = [{"before": OLD, "after": NEW, "ref": ref} for ref in refs]
    return {"event_name": "repository_update", "changes": changes, "refs": refs, **_only(gitlab(), "project")}


def _branch(name: str, kind: str = "branch") -> Payload:
    return {"type": kind, "name": name, "target": {"type": "commit", "hash": NEW}, "links": {"html": {"href": ORG}}}


def bitbucket(*changes: tuple[Payload | None, Payload | None]) -> Payload:
    """Return a push of Bitbucket Cloud with what was and what is."""
    told = [
        {"old": old, "new": new, "created": old is None, "closed": new is None, "forced": False, "truncated": False}
        for old, new in changes or [(_branch("main"), _branch("main"))]
    ]
    repository = {
        "type": "repository",
        "name": "site",
        "full_name": "acme/site",
        "uuid": "{673a6070-3421-46c9-9d48-90745f7bfe8e}",
        "links": {"html": {"href": ORG}, "self": {"href": "https://api.example.test/2.0/repositories/acme/site"}},
        "is_private": True,
        "scm": "git",
    }
    return {"push": {"changes": told}, "actor": {"display_name": "Jo", "type": "user"}, "repository": repository}


def bitbucket_several() -> Payload:
    """Return a push that moves a branch, makes a tag and removes another branch."""
    return bitbucket((_branch("main"), _branch("main")), (None, _branch("v1", "tag")), (_branch("feature/x"), None))


def server(*changes: Payload, **more: Any) -> Payload:
    """Return a push of Bitbucket Data Center."""
    project = {"key": "ACME", "id": 84, "name": "Acme", "public": False, "type": "NORMAL"}
    clone = [
        {"href": "ssh://git@bitbucket.example.test:7999/acme/site.git", "name": "ssh"},
        {"href": "https://bitbucket.example.test/scm/acme/site.git", "name": "http"},
    ]
    pages = [{"href": "https://bitbucket.example.test/projects/ACME/repos/site/browse"}]
    links = {"clone": clone, "self": pages}
    repository = {"slug": "site", "id": 84, "name": "site", "scmId": "git", "project": project, "links": links}
    made = {"eventKey": "repo:refs_changed", "date": "2026-11-19T09:58:11+1000", "actor": {"name": "jo", "id": 1}}
    return {**made, "repository": repository, "changes": [*changes] or [server_change("refs/heads/main")], **more}


def server_change(ref: str, kind: str = "UPDATE") -> Payload:
    """Return one change of such a push."""
    named = {"id": ref, "displayId": ref.split("/", 2)[-1], "type": "TAG" if "tags" in ref else "BRANCH"}
    to = ZEROS if kind == "DELETE" else NEW
    return {"ref": named, "refId": ref, "fromHash": OLD, "toHash": to, "type": kind}


def azure(*names: str) -> Payload:
    """Return a push of Azure DevOps."""
    updates = [{"name": name, "oldObjectId": OLD, "newObjectId": NEW} for name in names or ["refs/heads/main"]]
    project = {"id": "6ce954b1-ce1f-45d1-b94d-e6bf2464ba2c", "name": "Site Project", "state": "wellFormed"}
    repository = {
        "id": "278d5cd2-584d-4b63-824a-2ba458937249",
        "name": "site",
        "url": "https://dev.azure.com/acme/_apis/git/repositories/278d5cd2-584d-4b63-824a-2ba458937249",
        "project": project,
        "defaultBranch": "refs/heads/main",
        "remoteUrl": "https://acme@dev.azure.com/acme/Site%20Project/_git/site",
    }
    return {
        "subscriptionId": "8fd412f1-9873-4b45-8854-655b1b8a2eff",
        "notificationId": 2,
        "id": "03c164c2-8912-4d5e-8009-3707d5f83734",
        "eventType": "git.push",
        "publisherId": "tfs",
        "message": {"text": "Jo pushed updates to site:main."},
        "resource": {"commits": [], "refUpdates": updates, "repository": repository, "pushId": 14},
        "resourceVersion": "1.0",
    }


def azure_minimal() -> Payload:
    """Return the same event where the service hook is set to send no details."""
    return {**azure(), "resource": {"pushId": 14, "repository": {"id": "278d5cd2-584d-4b63-824a-2ba458937249"}}}
