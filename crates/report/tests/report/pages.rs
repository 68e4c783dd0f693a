use std::collections::BTreeSet;

use ethos_report::{
    Block, Cell, Column, Dot, Figure, Group, LinePlot, Page, Reference, Series, StripPlot, Table,
};

use crate::markup::{self, Element};

/// A page with one of everything, and `text` wherever text can stand.
fn page(text: &str) -> Page {
    let dot = Dot { value: 0.4, label: Some(text.into()), series: Some(text.into()) };
    let other = Dot { series: Some("other".into()), ..Dot::new(0.7) };
    let group = Group { mean: Some(0.5), ..Group::new(text, vec![dot, other]) };
    let strip = StripPlot {
        x_label: Some(text.into()),
        ends: Some((text.into(), text.into())),
        reference: Some(Reference { value: 0.5, label: text.into() }),
        ..StripPlot::new(text, vec![group])
    };
    let line = LinePlot {
        x_label: Some(text.into()),
        y_label: Some(text.into()),
        ..LinePlot::new(text, vec![Series::new(text, vec![(0.0, 3.0), (1.0, 2.0)])])
    };
    let mut table = Table::new(text, vec![Column::text(text), Column::number(text)]);
    table.push([Cell::text(text), Cell::number(1.0, 2)]);
    table.push_emphasis([Cell::text(text), Cell::Missing]);
    table.note = Some(text.into());

    let mut page = Page { lang: text.into(), ..Page::new(text).with_lead(text) };
    page.push(Block::heading(text))
        .push(Block::subheading(text))
        .push(Block::paragraph(text))
        .push(Block::note(text))
        .push(Block::caution(text))
        .push(Block::facts([(text, text)]))
        .push(table)
        .push(Figure::new(strip, text))
        .push(Figure::new(line, text))
        .push(Block::details(text, vec![Block::preformatted(text)]));
    page
}

#[test]
fn all_text_is_escaped() {
    for text in ["<script>alert('&')</script>", "\"></svg><b onload=\"x", "&amp;", "\u{0}\u{1b}"] {
        let elements = markup::read(&page(text).to_html());
        let count = |name| elements.iter().filter(|e| e.name == name).count();
        assert_eq!((count("script"), count("b"), count("svg")), (1, 0, 4), "{text}");
        let harmless = markup::read(&page("text").to_html());
        let names = |elements: &[Element]| -> BTreeSet<String> {
            elements.iter().map(|e| e.name.clone()).collect()
        };
        assert_eq!(names(&elements), names(&harmless), "{text}");
    }
}

#[test]
fn a_page_loads_nothing() {
    let html = page("text").to_html();
    for element in markup::read(&html) {
        for (name, value) in &element.attributes {
            assert!(!["src", "href", "srcset", "data"].contains(&name.as_str()), "{name}={value}");
        }
    }
    assert!(!html.contains("url(") && !html.contains("@import"));
}

#[test]
fn the_script_comes_only_with_a_table() {
    let mut page = Page::new("t");
    assert!(!page.to_html().contains("<script"));
    let table = Table::new("t", vec![]);
    page.push(Block::details("more", vec![table.into()]));
    assert!(page.to_html().contains("<script"));
}

#[test]
fn a_page_says_what_it_is_made_of() {
    let elements = markup::read(&page("text").to_html());
    let first = |name: &str| elements.iter().find(|e| e.name == name).expect("it is there");
    assert!(first("html").get("lang").is_some());
    assert_eq!(first("meta").get("charset"), Some("utf-8"));
    assert_eq!(first("svg").get("role"), Some("img"));
    assert_eq!(first("th").get("scope"), Some("col"));
    for name in ["header", "main", "h1", "caption", "figcaption", "desc", "dl", "details", "pre"] {
        first(name);
    }
}

#[test]
fn the_same_page_gives_the_same_bytes() {
    assert_eq!(page("text").to_html(), page("text").to_html());
}
