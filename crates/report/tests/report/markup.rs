//! A reader of markup, just large enough to fail on what is not well-formed.

/// A tag with its attributes.
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
}

impl Element {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// All elements, in order. Panics where tags do not balance, an attribute is not quoted or an
/// ampersand begins no entity.
pub(crate) fn read(markup: &str) -> Vec<Element> {
    const VOID: [&str; 1] = ["meta"];
    let mut elements = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = markup.trim_start_matches("<!DOCTYPE html>");
    while let Some(start) = rest.find('<') {
        check_text(&rest[..start]);
        rest = &rest[start + 1..];
        if let Some(closing) = rest.strip_prefix('/') {
            let (name, after) = closing.split_once('>').expect("an end to the tag");
            assert_eq!(open.pop().as_deref(), Some(name), "tags balance");
            rest = after;
            continue;
        }
        let (element, after) = read_tag(rest);
        rest = after;
        if ["style", "script"].contains(&element.name.as_str()) {
            let end = rest.find(&format!("</{}>", element.name)).expect("an end to raw text");
            rest = &rest[end..];
        }
        if !VOID.contains(&element.name.as_str()) {
            open.push(element.name.clone());
        }
        elements.push(element);
    }
    check_text(rest);
    assert!(open.is_empty(), "still open: {open:?}");
    elements
}

fn read_tag(tag: &str) -> (Element, &str) {
    let end = tag.find(|c: char| !c.is_ascii_alphanumeric()).expect("an end to the name");
    assert!(end > 0, "a name after `<`: {:?}", tag.chars().take(20).collect::<String>());
    let (name, mut rest) = tag.split_at(end);
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('>') {
            return (Element { name: name.into(), attributes }, after);
        }
        let (attribute, after) = rest.split_once("=\"").expect("a quoted attribute");
        assert!(attribute.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{attribute}");
        let (value, after) = after.split_once('"').expect("an end to the attribute");
        assert!(!value.contains('<'), "{value}");
        check_text(value);
        attributes.push((attribute.into(), value.into()));
        rest = after;
    }
}

fn check_text(text: &str) {
    assert!(!text.contains('>'), "{text}");
    for (at, _) in text.match_indices('&') {
        let entities = ["&amp;", "&lt;", "&gt;", "&quot;"];
        assert!(entities.iter().any(|e| text[at..].starts_with(e)), "{text}");
    }
    let forbidden = |c: char| c.is_control() && !"\n\t\r".contains(c);
    assert!(!text.contains(forbidden), "a control character in {text:?}");
}
