"""What customers write to an outdoor shop, put together from parts, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Random = np.random.Generator

OPENINGS = (
    "Hello,",
    "Hi there,",
    "Good morning.",
    "I hope somebody reads this.",
    "Second message from me today.",
    "Quick one before I board my train.",
    "Sorry to trouble you again.",
    "My daughter says I should ask you directly.",
    "ok so",
    "To whom it may concern:",
    "Not sure whether this is the right place.",
    "I am writing on behalf of our hiking club.",
)
SITUATIONS = (
    "I bought {thing} on {date} and paid {amount} for it",
    "{thing} from order {order} was meant to be here by {date}",
    "the parcel with {thing} has been sitting in the depot since {date}",
    "your shop sent me {thing} although I had asked for {other}",
    "I have had {thing} for two years now and the seam gave way on a wet ridge",
    "my neighbour took in {thing} while we were away until {date}",
    "I am looking at {thing} for a trip that starts on {date}",
    "after the last wash {thing} came out a size smaller",
    "there were two parcels, one with {thing} and an empty one",
    "I was charged {amount} twice for {thing}",
    "someone told me that {thing} would be cheaper after {date}",
    "the zip of {thing} broke the third time that I used it",
    "I ordered {thing} and {other} together but only need one of them",
    "{thing} looked dark green on my screen and turned out to be grey",
    "we are moving house on {date} and {thing} is still to come",
)
DETAILS = (
    "The order number is {order}.",
    "It says {order} on the invoice.",
    "See order {order}, line 2.",
    "Order {order}, in case you need it.",
    "That was {order}, placed from my phone.",
    "My reference is {order} (the mail of {date} has it as well).",
)
WISHES = (
    "Can you tell me what happens next with {thing}?",
    "What I want is my {amount} back, not a voucher.",
    "Would an exchange for {other} be possible?",
    "Please sort this out before {date}.",
    "Could you check whether {thing} can still be swapped for {other}?",
    "How long would that take, roughly, if I sent it on {date}?",
    "Do I have to pay for sending {thing} back?",
    "Is there a person that I can talk to about {thing}?",
    "Tell me which of the two rules applies to {thing}.",
    "If that cannot be done by {date}, say so plainly.",
    "I would rather keep {thing} if the price came down to {amount}.",
    "Who decides about {thing}, you or the carrier?",
)
ENDINGS = (
    "",
    "Thanks!",
    "Kind regards, Ines",
    "thx",
    "I will be out of reach from noon.",
    "No hurry.",
    "This has cost me an entire afternoon already.",
    "Best, Tomasz",
)
THINGS = (
    "the Moor trousers",
    "a two-person tent",
    "the red storm jacket",
    "three pairs of merino socks",
    "a gas stove with a wind shield",
    "the child's rain suit",
    "an ice axe",
    "the 40 litre rucksack",
    "walking poles",
    "a down sleeping bag",
    "the waterproof gaiters",
    "a head torch and its charger",
)
# Looks like a placeholder or like personal data, and is none.
HONEST = (
    "You can write to ines@example.org.",
    "Ring me on (212) 555-0147 if you must.",
    "The card ends in 4242.",
    "My size is XXL, or XXXL in your brand.",
    "The label says [sic] 'watterproof'.",
    "Tracking shows LMX204418773.",
    "The page printed {x} where the price should be.",
    "It weighs 1.250.000 mg, as your leaflet has it.",
    "The forum (see [this thread](https://example.com/t/4411)) says otherwise.",
    "I put it on my TODO list for Monday.",
    "The router at home is 192.168.0.1, so it is not my network.",
    "The bar code is 4006381333931.",
    "I waited... and waited.",
    "App version 2.14.30.7 shows nothing.",
)
# Put before sentences, so that those of different samples do not run on in the same words.
LINKS = (
    "",
    "And: ",
    "By the way: ",
    "Honestly, ",
    "Also, ",
    "Well. ",
    "So, ",
    "One thing: ",
    "Oh, ",
)
FACTS = (
    "it can be returned within 30 days of delivery",
    "the label costs EUR 4.90 and is deducted",
    "it cannot be changed once it has shipped",
    "faults are covered for 24 months",
    "only the payments team can decide that",
    "the shipping fee is refunded",
    "nothing can be said before you have signed in",
    "the discount cannot be used twice",
)
SAYING = (
    "{}.",
    "Thank you for writing: {}.",
    "To answer your question, {}.",
    "I have looked into this, and {}.",
    "I am sorry about the trouble; {}.",
)


def request(random: Random, order: str) -> str:
    """What a customer writes, with the number of an order in it."""
    parts = [_one(random, OPENINGS), _one(random, SITUATIONS) + ".", _one(random, DETAILS)]
    if random.random() < 0.3:
        parts.append(_one(random, HONEST).replace("{x}", "{{x}}"))
    for place in random.permutation(len(WISHES))[: 1 + int(random.integers(2))]:
        parts.append(WISHES[place])
    parts = [parts[0], *(_one(random, LINKS) + part for part in parts[1:])]
    text = " ".join([*parts, _one(random, ENDINGS)]).strip()
    return text.format(
        order=order,
        thing=_one(random, THINGS),
        other=_one(random, THINGS),
        date=f"2026-{random.integers(1, 13):02d}-{random.integers(1, 29):02d}",
        amount=f"{random.integers(9, 300)}.{random.integers(100):02d} EUR",
    )


def saying(random: Random, fact: str) -> str:
    """One of the ways to say a fact."""
    return _one(random, SAYING).format(fact)


def facts_in(text: str) -> tuple[str, ...]:
    """The facts that an answer says, by which a judge tells what it means."""
    return tuple(fact for fact in FACTS if fact in text)


def _one(random: Random, options: Sequence[str]) -> str:
    return options[int(random.integers(len(options)))]
