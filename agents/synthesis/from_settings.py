"""The models that write and judge synthetic samples, as the settings describe them."""

from __future__ import annotations

from agents.openai_model import OpenAIModel
from agents.retry import Retry
from agents.synthesis.asker import Asker
from agents.synthesis.journal import Journal
from agents.synthesis.purse import Purse
from goldloop.errors import SettingsError
from goldloop.prices import price_of
from goldloop.settings import Settings


def synthesis_model(settings: Settings, name: str = "") -> OpenAIModel:
    """The model of that name, or the one that writes samples, which tries each call once.

    Raises SettingsError when the settings name no model, or OpenAI's endpoint and no key.
    """
    asked = settings.synthesis
    name = name or asked.model or settings.agent.model
    if not name:
        raise SettingsError(
            "goldloop.toml: [synthesis] model is not set, and neither is [agent] model; name the"
            " model that is to write samples"
        )
    return OpenAIModel(
        name,
        api=asked.api,
        base_url=asked.base_url or settings.agent.base_url or None,
        api_key=settings.secrets.openai_api_key or None,
        timeout=asked.timeout,
        max_tokens=asked.max_output or None,
        retry=Retry(attempts=1),
    )


def asker_from_settings(
    settings: Settings, journal: Journal, purse: Purse, judge: bool = False
) -> Asker:
    """Asks the model that writes samples, or the one that judges answers; both may share a journal
    and a purse.

    Raises SettingsError as `synthesis_model` does, and where there is a limit and no price.
    """
    named = settings.synthesis.judge if judge else ""
    model = synthesis_model(settings, named)
    price = price_of(settings.prices, model.model)
    if price is None and purse.limit is not None:
        raise SettingsError(
            f'a limit in US dollars needs a price: put "{model.model}" = [USD per million input'
            " tokens, USD per million output tokens] under [prices] in goldloop.toml"
        )
    agent = settings.agent
    return Asker(
        model,
        journal,
        purse,
        concurrency=settings.synthesis.concurrency,
        retry=Retry(attempts=agent.attempts, first_wait=agent.first_wait),
        price=price,
    )
