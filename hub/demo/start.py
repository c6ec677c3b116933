"""The demo at start: brand installed, keys written, personas' histories played. Running it again changes nothing."""

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from hub.auth.model import Scope
from hub.auth.service import AuthService
from hub.demo.crowd import Shopper, shoppers
from hub.demo.play import install, persona_ids, play, play_crowd
from hub.profiles.identity import parse_ref
from resolvers.context import Services

KEYS_FILE = "demo-keys.json"
FOLDED_TOGETHER = 60


async def start_demo(
    services: Services,
    auth: AuthService,
    base_url: str,
    *,
    learn: Callable[[], Awaitable[None]],
    say: Callable[[str], None],
) -> None:
    """Install the demo into a hub that listens at `base_url`, and write its keys beside the data.

    Args:
        services: the hub's.
        auth: makes the keys.
        base_url: where the hub listens.
        learn: works out at once what a hub works out now and then: popularity, groups, neighbours.
        say: told what is being done.
    """
    say("Installing the demo brand ...")
    say(f"  {await install(services)}")
    path = services.settings.data_dir / KEYS_FILE
    keys = await _keys(auth, path)
    await play(base_url, keys["ingest"], services.clock.now(), on_progress=lambda text: say(f"  {text}"))
    await _gather(services, base_url, keys["ingest"], learn, say)
    say(f"The demo's keys and customer tokens are in {path}")


async def _gather(
    services: Services,
    base_url: str,
    key: str,
    learn: Callable[[], Awaitable[None]],
    say: Callable[[str], None],
) -> None:
    """Let the crowd come in, unless the last of them is there already, and learn from everybody."""
    crowd = shoppers()
    if await services.profiles.find(parse_ref("user_id", crowd[-1].user_id), keep=False) is not None:
        return
    report = await play_crowd(base_url, key, services.clock.now())
    say(f"  {report.personas} other shoppers: {report.accepted} events taken")
    ids = [
        home.profile_id
        for home in (await services.profiles.repository.homes([_key(each) for each in crowd])).values()
    ]
    for start in range(0, len(ids), FOLDED_TOGETHER):
        await services.profiles.get_many(ids[start : start + FOLDED_TOGETHER])
    await learn()


def _key(shopper: Shopper) -> str:
    return parse_ref("user_id", shopper.user_id).key


async def _keys(auth: AuthService, path: Path) -> dict[str, str]:
    """Return a key for each scope: those of an earlier start where the file is still there."""
    earlier = _read(path)
    keys = {
        scope.value: await auth.create_key(scope, f"demo {scope.value}", key=earlier.get(scope.value))
        for scope in Scope
    }
    personas = persona_ids()
    content = {
        **keys,
        "personas": personas,
        "tokens": {
            user_id: auth.customer_token(parse_ref("user_id", user_id), lifetime=None) for user_id in personas
        },
    }
    # Written whole or not at all, and readable by its owner only: these keys open the demo's hub.
    scratch = path.with_suffix(".new")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=2)
    scratch.replace(path)
    return keys


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}
