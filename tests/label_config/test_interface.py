"""Reading a labelling interface: its questions, its data keys, and every mistake by name."""

from __future__ import annotations

import re

import pytest
from defusedxml.ElementTree import fromstring
from label_studio_sdk.label_interface import LabelInterface

from goldloop.errors import InterfaceError
from goldloop.fields import FieldKind
from label_config.interface import Interface, builtin_interface, read_interface

TEXT = '<Text name="t" value="$text"/>'


def view(inside: str, shown: str = TEXT) -> str:
    return f"<View>{shown}{inside}</View>"


def choices(name: str = "c", attributes: str = "") -> str:
    return f'<Choices name="{name}" toName="t" {attributes}><Choice value="a"/></Choices>'


def kinds(interface: Interface) -> dict[str, FieldKind]:
    return {field.name: field.kind for field in interface.fields}


def test_the_built_in_interface_asks_its_questions_in_order():
    assert kinds(builtin_interface()) == {
        "correctness": FieldKind.SINGLE_CHOICE,
        "tool_use": FieldKind.SINGLE_CHOICE,
        "failure_modes": FieldKind.MULTIPLE_CHOICE,
        "helpfulness": FieldKind.RATING,
        "confidence": FieldKind.RATING,
        "expected_response": FieldKind.TEXT,
        "notes": FieldKind.TEXT,
    }


def test_the_built_in_interface_requires_only_the_two_verdicts_and_hides_the_failure_modes():
    fields = builtin_interface().fields
    assert {field.name for field in fields if field.required} == {"correctness", "tool_use"}
    assert {field.name for field in fields if field.conditional} == {"failure_modes"}


def test_the_built_in_interface_stores_plain_names_for_its_choices():
    by_name = {field.name: field.options for field in builtin_interface().fields}
    assert by_name["correctness"] == ("correct", "partially_correct", "incorrect")
    assert by_name["tool_use"][0] == "right"
    assert len(by_name["failure_modes"]) == 10


def test_the_built_in_interface_passes_the_sdks_own_validation():
    LabelInterface(builtin_interface().xml).validate()


def test_hotkeys_of_the_built_in_interface_clash_neither_with_each_other_nor_with_label_studio():
    root = fromstring(builtin_interface().xml)
    keys = [tag.get("hotkey") for tag in root.iter() if tag.get("hotkey")]
    asked = [tag for tag in root.iter() if tag.tag in ("Choice", "Rating")]
    assert len(keys) == len(set(keys)) == len(asked)
    assert not set(keys) & set("umbekwvhopr[]")


def test_styles_of_the_built_in_interface_hold_nothing_that_label_studio_escapes():
    (style,) = fromstring(builtin_interface().xml).iter("Style")
    assert style.text
    assert not re.search("[<>&]", style.text)


def test_an_unknown_built_in_name_is_refused():
    with pytest.raises(InterfaceError, match=r"no built-in labelling interface '\.\./secrets'"):
        builtin_interface("../secrets")


def test_each_kind_of_control_is_read_with_its_limits():
    interface = read_interface(
        view(
            choices("one", 'choice="single-radio" required="true"')
            + choices("many", 'choice="multiple"')
            + '<Rating name="stars" toName="t" maxRating="7"/>'
            + '<Number name="sum" toName="t" min="-1.5" max="10"/>'
            + '<TextArea name="words" toName="t"/>'
            + '<Pairwise name="better" toName="t,u" required="true"/>'
            + '<DateTime name="day" toName="t" only="date" format="%Y-%m-%d"/>',
            TEXT + '<Text name="u" value="$other"/>',
        )
    )
    fields = {field.name: field for field in interface.fields}
    assert kinds(interface) == {
        "one": FieldKind.SINGLE_CHOICE,
        "many": FieldKind.MULTIPLE_CHOICE,
        "stars": FieldKind.RATING,
        "sum": FieldKind.NUMBER,
        "words": FieldKind.TEXT,
        "better": FieldKind.PAIRWISE,
        "day": FieldKind.DATE,
    }
    assert (fields["stars"].minimum, fields["stars"].maximum) == (1, 7)
    assert (fields["sum"].minimum, fields["sum"].maximum) == (-1.5, 10)
    assert fields["better"].options == ("left", "right")
    assert fields["one"].required
    assert not fields["better"].required, "Label Studio does not enforce it on a Pairwise"


def test_an_alias_is_the_value_and_choices_may_sit_inside_views():
    xml = '<Choices name="c" toName="t"><View><Choice value="Yes" alias="y"/></View></Choices>'
    assert read_interface(view(xml)).fields[0].options == ("y",)


def test_a_taxonomy_offers_inner_and_leaf_paths():
    xml = (
        '<Taxonomy name="x" toName="t"><Choice value="A"><Choice value="B" alias="b"/></Choice>'
        '<Choice value="C"/></Taxonomy>'
    )
    assert read_interface(view(xml)).fields[0].options == ("A", "A > b", "C")


@pytest.mark.parametrize(("nested", "options"), [("true", ("A", "A > B")), ("false", ("A",))])
def test_choices_inside_a_choice_count_only_where_label_studio_shows_them(nested, options):
    xml = (
        f'<Choices name="c" toName="t" allowNested="{nested}">'
        '<Choice value="A"><Choice value="B"/></Choice></Choices>'
    )
    assert read_interface(view(xml)).fields[0].options == options


@pytest.mark.parametrize(
    "xml",
    [
        view(
            choices("q")
            + f'<View visibleWhen="choice-selected" whenTagName="q"><View>{choices()}</View></View>'
        ),
        view(choices("q") + choices("c", 'visibleWhen="choice-unselected" whenTagName="q"')),
        view(choices("q") + choices("c", 'whenChoiceValue="a"')),
    ],
)
def test_a_question_shown_after_another_answer_is_conditional(xml):
    assert [field.conditional for field in read_interface(xml).fields] == [False, True]


def test_a_rating_is_never_conditional_by_itself_because_label_studio_shows_it_anyway():
    xml = choices("q") + (
        '<Rating name="r" toName="t" visibleWhen="choice-selected" whenTagName="q"/>'
    )
    assert not read_interface(view(xml)).fields[1].conditional


def test_data_keys_are_the_first_steps_of_what_is_shown_in_order_and_once():
    shown = (
        '<Header value="Case $number of $text"/><Text name="t" value="$text"/>'
        '<Table name="a" value="$facts.first[0].x"/><Image name="i" valueList="$shots"/>'
        "<Style>.price { content: '$none' }</Style>"
    )
    assert read_interface(view(choices(), shown)).data_keys == ("number", "text", "facts", "shots")


def test_markup_inside_a_hypertext_is_its_content_and_not_tags():
    shown = '<HyperText name="t"><p>Hello <b>$name</b></p></HyperText>'
    assert read_interface(view(choices(), shown)).data_keys == ("name",)


def test_the_xml_is_kept_as_it_was_given():
    xml = view(choices())
    assert read_interface(xml).xml == xml


@pytest.mark.parametrize("tag", ["Chat", "ReactCode", "CustomInterface"])
def test_tags_of_the_enterprise_edition_are_refused_with_what_to_use(tag):
    xml = view(choices() + f'<{tag} name="x" value="$messages"/>')
    with pytest.raises(InterfaceError, match="cannot be shown in Label Studio Community; use <Hyp"):
        read_interface(xml)


@pytest.mark.parametrize(
    "tag",
    ["Labels", "RectangleLabels", "ParagraphLabels", "HyperTextLabels", "Brush", "Ranker",
     "Relations", "KeyPoint", "TimelineLabels"],
)  # fmt: skip
def test_controls_that_cannot_be_read_are_named_with_what_to_use(tag):
    with pytest.raises(InterfaceError, match=f"cannot read answers from <{tag} name='x'>; use <"):
        read_interface(view(f'<{tag} name="x" toName="t"/>' + choices()))


def test_a_repeater_is_refused_with_what_to_use():
    with pytest.raises(InterfaceError, match="<Repeater>; show the turns with <HyperText"):
        read_interface(view('<Repeater on="$turns">' + choices() + "</Repeater>"))


PLAIN = choices()
MISTAKES = [
    ("<View><Text", r"not XML: line 1: "),
    ("<View>\n<Text>\n</View>", r"not XML: line 3: "),
    ("", "not XML: line 1"),
    ("<View>\x00</View>", "not XML"),
    (f"<div>{PLAIN}</div>", "outermost tag is <div>, and must be <View>"),
    (view("<Header value='hi'/>"), "asks nothing: add a control tag"),
    (view(PLAIN + PLAIN), "2 tags have the name 'c'"),
    (view('<Rating name="t" toName="t"/>'), "2 tags have the name 't'"),
    (view('<Rating name="r"/>'), "<Rating name='r'> has no toName"),
    (view('<Rating name="r" toName="nowhere"/>'), "toName='nowhere', and no tag .* there are: t"),
    (view(PLAIN + '<Rating name="r" toName="c"/>'), "toName='c', and no tag that shows data"),
    (view('<Rating toName="t"/>'), "<Rating> has no name"),
    (view('<Pairwise name="p" toName="t"/>'), 'compares two tags: toName="first,second"'),
    (view('<Pairwise name="p" toName="t,zzz"/>'), "toName='zzz'"),
    (view('<Choices name="c" toName="t"/>'), "has no <Choice>; give it at least one"),
    (view('<Choices name="c" toName="t"><Choice/></Choices>'), "a <Choice> without a value"),
    (view('<Choices name="c" toName="t"><Choice value="$5"/></Choices>'), "give it an alias"),
    (view('<Choices name="c" toName="t" value="$x"/>'), "write them as <Choice> tags"),
    (view('<Taxonomy name="c" toName="t" apiUrl="http://x"/>'), "write them as <Choice> tags"),
    (view(choices("c", 'choice="double"')), "choice='double'; use single, single-radio or multi"),
    (view(PLAIN.replace("</C", '<Choice value="a"/></C')), "offers 'a' twice"),
    (
        view('<Taxonomy name="x" toName="t"><Choice value="a > b"/></Taxonomy>'),
        "contains ' > '",
    ),
    (view('<Taxonomy name="x" toName="t" labeling="true"/>'), "labels regions"),
    (view(choices("c", 'perRegion="true"')), "<Choices name='c'> with perRegion"),
    (view(choices("c", 'perItem="true"')), "<Choices name='c'> with perItem"),
    (view(choices("c", 'visibleWhen="region-selected"')), "reads no regions"),
    (view(choices("c", 'visibleWhen="choice-selected" whenTagName="q"')), "whenTagName='q'"),
    (view('<Rating name="r" toName="t" maxRating="many"/>'), "maxRating='many'; use a number"),
    (view('<Rating name="r" toName="t" maxRating="0"/>'), "maxRating='0'; use a number"),
    (view('<Number name="n" toName="t" min="nan"/>'), "min='nan'; use a number"),
    (view('<Number name="n" toName="t" min="2" max="1"/>'), "min 2 above max 1"),
    (view('<DateTime name="d" toName="t" format="%d.%m.%Y"/>'), "remove format"),
    (view(PLAIN + "<Marquee>hi</Marquee>"), "Community has no tag <Marquee>; remove it"),
    (view(PLAIN, '<HyperText name="t" value="$response"/>'), r"use \$response_html, or <Text"),
    (view(PLAIN, TEXT + '<Markdown value="$user_input"/>'), r"\$user_input, which a model"),
    ("<View>" * 200 + "</View>" * 200, "nested more than 100 deep"),
    (view(PLAIN) + " " * 1_000_001, "larger than 1,000,000 bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("xml", "message"), MISTAKES)
def test_each_mistake_says_what_and_where(xml, message):
    with pytest.raises(InterfaceError, match=message) as caught:
        read_interface(xml, "review.xml")
    assert str(caught.value).startswith("review.xml: ")


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>',
        '<?xml version="1.0"?>\n<!DOCTYPE x SYSTEM "file:///etc/passwd">',
        "<!doctype html>",
    ],
)
def test_document_types_and_entities_are_refused_before_parsing(head):
    with pytest.raises(InterfaceError, match=r"line \d: <!(DOCTYPE|doctype) is not allowed"):
        read_interface(head + view(PLAIN))


def test_tag_names_may_be_written_in_any_case_as_label_studio_reads_them():
    xml = (
        '<view><text name="t" value="$text"/>'
        '<choices name="c" toName="t"><choice value="a"/></choices></view>'
    )
    assert kinds(read_interface(xml)) == {"c": FieldKind.SINGLE_CHOICE}
