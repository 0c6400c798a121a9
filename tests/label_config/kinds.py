"""An interface with every kind of field, and answers that fit it, for the tests of this room."""

from __future__ import annotations

from hypothesis import strategies as st

from label_config.interface import read_interface

KINDS = read_interface(
    """<View>
  <Text name="a" value="$response"/><Text name="b" value="$expected_response"/>
  <Choices name="single" toName="a"><Choice value="Yes" alias="yes"/><Choice value="No"/></Choices>
  <Choices name="multi" toName="a" choice="multiple">
    <Choice value="x"/><Choice value="y"/><Choice value="z"/>
  </Choices>
  <Choices name="deep" toName="a" choice="multiple" allowNested="true">
    <Choice value="A"><Choice value="A1"/><Choice value="A2"/></Choice><Choice value="B"/>
  </Choices>
  <Choices name="path" toName="a" allowNested="true">
    <Choice value="A"><Choice value="A1"/></Choice><Choice value="B"/>
  </Choices>
  <Rating name="stars" toName="a" maxRating="7"/>
  <Number name="amount" toName="a" min="-5" max="10"/>
  <Number name="free" toName="a"/>
  <TextArea name="words" toName="a"/>
  <Pairwise name="better" toName="a,b"/>
  <Taxonomy name="topic" toName="a">
    <Choice value="Sales"><Choice value="Refund" alias="refund"/></Choice><Choice value="Other"/>
  </Taxonomy>
  <DateTime name="day" toName="a"/>
</View>"""
)


def _sets(options: list[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.sets(st.sampled_from(options)).map(lambda chosen: tuple(sorted(chosen)))


ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "single": st.sampled_from(["yes", "No"]),
        "multi": _sets(["x", "y", "z"]),
        "deep": _sets(["A", "A > A1", "A > A2", "B"]),
        "path": st.sampled_from(["A", "A > A1", "B"]),
        "stars": st.integers(1, 7),
        "amount": st.floats(-5, 10),
        "free": st.floats(allow_nan=False, allow_infinity=False),
        "words": st.text(),
        "better": st.sampled_from(["left", "right"]),
        "topic": _sets([("Sales",), ("Sales", "refund"), ("Other",)]),
        "day": st.one_of(st.dates(), st.datetimes()).map(lambda moment: moment.isoformat()),
    },
)
