//! Templates that would take all time, memory or stack end in errors, soon.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::{fs, time::Instant};

use ethos_train::ChatTemplate;
use serde_json::{Map, Value, json};

/// Each would run for ages, fill the memory or overflow the stack.
fn hostile() -> Vec<String> {
    let short = [
        // Time.
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in range(99999) recursive %}{{ loop(range(99999)) }}{% endfor %}",
        "{% set ns = namespace(n=0) %}{% for a in range(99999) %}{% for b in range(999) %}{% set ns.n = ns.n + 1 %}{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}{{ range(99999) | list | length }}{% endfor %}",
        "{% for a in range(99999) %}{{ range(99999) | sort | first }}{% endfor %}",
        "{% for a in range(99999) %}{{ range(99999) | unique | list | length }}{% endfor %}",
        "{% for a in range(99999) %}{{ ('a' * 10000000).find('b') }}{% endfor %}",
        "{% for a in range(99999) %}{{ ('a' * 10000000) | length }}{% endfor %}",
        "{% for a in range(99999) %}{{ 'b' in 'a' * 10000000 }}{% endfor %}",
        "{% set x = 'a' * 10000000 %}{% for a in range(99999) %}{{ x[-1] }}{% endfor %}",
        "{% set x = 'a' * 10000000 %}{% for a in range(99999) %}{{ x == x ~ '' }}{% endfor %}",
        "{% set x = 'a ' * 5000000 %}{% for a in range(99999) %}{{ x | title | length }}{% endfor %}",
        "{% macro f(n) %}{% for i in range(10) %}{{ f(n - 1) if n }}{% endfor %}{% endmacro %}{{ f(100) }}",
        // Memory.
        "{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x=['a']) %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = ns.x + ['a' * 99999] %}{% endfor %}",
        "{% for i in range(99999) %}{{ 'a' * 99999 }}{% endfor %}",
        "{{ 'a' * 10 ** 9 }}",
        "{{ 'a' * 10 ** 12 }}",
        "{{ [1] * 10 ** 9 }}",
        "{{ (1, 2) * 10 ** 30 }}",
        "{% set x = 'a' * 30000000 %}{{ ([x] * 100) | join }}",
        "{{ ([('a' * 1000000)] * 1000) | join }}",
        "{{ range(99999) | join('a' * 100000) }}",
        "{{ ('a' * 100000).join(range(99999) | map('string')) }}",
        "{{ ('a' * 1000000).replace('a', 'b' * 1000000) }}",
        "{{ ('a' * 1000000) | replace('a', 'b' * 1000000) }}",
        "{{ 'a' | center(10 ** 12) }}",
        "{{ 'a'.ljust(10 ** 12) }}",
        "{{ 'a'.zfill(10 ** 12) }}",
        "{{ '\t'.expandtabs(10 ** 12) }}",
        "{{ '%1000000000000d' % 5 }}",
        "{{ '%.1000000000f' % 5.0 }}",
        "{{ '%*d' % (10 ** 12, 5) }}",
        "{{ '{:1000000000000}'.format(5) }}",
        "{{ '{:{w}}'.format('a', w=10 ** 12) }}",
        "{{ '{:.1000000000f}'.format(5.0) }}",
        "{{ ('a\n' * 1000000) | indent(10 ** 9) }}",
        "{{ ('a\n' * 1000000) | indent('b' * 10000) }}",
        "{{ [1] | tojson(indent=10 ** 12) }}",
        "{{ ([1] * 1000000) | tojson(indent=1000000) }}",
        "{{ [1] | batch(10 ** 12, 'x') | list }}",
        "{{ [1] | slice(10 ** 12) | list }}",
        "{{ ('a' * 40000000) | list }}",
        "{{ ('a' * 40000000) | map('upper') | list }}",
        "{% for c in 'a' * 40000000 %}{% endfor %}",
        "{{ ('a ' * 20000000).split() }}",
        "{{ ('a' * 40000000).split('a') }}",
        "{{ ('a\n' * 20000000).splitlines() }}",
        "{{ ('\n' * 40000000) | wordwrap }}",
        "{{ ('a-' * 20000000) | wordwrap }}",
        "{{ ('&' * 20000000) | e | e | e }}",
        "{{ (' ' * 40000000) | urlencode }}",
        "{{ ('\\x00' * 40000000) | tojson }}",
        "{{ [('\\x00' * 20000000)] }}",
        "{{ range(10 ** 9) }}",
        "{{ range(0, 10 ** 9, 3) | list }}",
        "{{ 10 ** 10 ** 10 }}",
        "{{ 2 ** 1000000 }}",
        "{% set ns = namespace(x=2) %}{% for i in range(1000) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x=[]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}",
        "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
        "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x < ns.y }}",
        "{% set x %}{% for i in range(99999) %}{{ 'a' * 9999 }}{% endfor %}{% endset %}",
        "{% macro f() %}{% for i in range(99999) %}{{ 'a' * 9999 }}{% endfor %}{% endmacro %}{{ f() }}",
        "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = ns.l + [namespace(a=i, b='a' * 999)] %}{% endfor %}",
        // Stack.
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f(x) %}{{ f([x]) }}{% endmacro %}{{ f(1) }}",
        "{% macro f() %}{% call f() %}{% endcall %}{% endmacro %}{{ f() }}",
        "{% macro f() %}{% if true %}{% for x in [1] %}{% set y %}{{ [[[f()]]] }}{% endset %}{% endfor %}{% endif %}{% endmacro %}{{ f() }}",
        "{% macro f() %}{% filter upper %}{% with a = f() %}{% endwith %}{% endfilter %}{% endmacro %}{{ f() }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = [ns.x] %}{% endfor %}",
        "{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = (ns.x,) %}{% endfor %}",
        "{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = {'a': ns.x} %}{% endfor %}",
        "{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = [ns.x].copy %}{% endfor %}",
        "{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = cycler(ns.x) %}{% endfor %}",
        "{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = joiner(ns.x) %}{% endfor %}",
        "{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = [ns.x] | map('list') %}{% endfor %}",
        "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}",
    ];
    let deep = |open: &str, inner: &str, close: &str, times: usize| {
        open.repeat(times) + inner + &close.repeat(times)
    };
    let mut all: Vec<String> = short.map(str::to_owned).into();
    all.extend([
        format!("{{{{ {} }}}}", deep("(", "1", ")", 100_000)),
        format!("{{{{ {} }}}}", deep("[", "1", "]", 100_000)),
        format!("{{{{ {} }}}}", deep("{'a':", "1", "}", 100_000)),
        format!("{{{{ {} }}}}", deep("f(", "1", ")", 100_000)),
        format!("{{{{ {} }}}}", deep("x[", "1", "]", 100_000)),
        format!("{{{{ {} 1 }}}}", "not ".repeat(100_000)),
        format!("{{{{ {}1 }}}}", "-".repeat(100_000)),
        format!("{{{{ 1 {} }}}}", "if 1 ".repeat(100_000)),
        format!("{{{{ {} }}}}", deep("1 if 1 else ", "1", "", 100_000)),
        format!("{{{{ 'a' {} }}}}", "is in ".repeat(100_000)),
        format!("{{{{ 'a'|default({}", "'b'|default(".repeat(50_000)),
        deep("{% if 1 %}", "", "{% endif %}", 50_000),
        deep("{% for x in [1] %}", "", "{% endfor %}", 50_000),
        deep("{% macro f() %}", "", "{% endmacro %}", 50_000),
        deep("{% set x %}", "", "{% endset %}", 50_000),
        format!("{{% set {}a{} = 1 %}}", "(".repeat(100_000), ")".repeat(100_000)),
        format!(
            "{{% for {}a{} in [1] %}}{{% endfor %}}",
            "(".repeat(100_000),
            ",)".repeat(100_000)
        ),
        "x".repeat(2 << 20),
    ]);
    all
}

/// As large, but finite: these render.
const HARMLESS: [&str; 10] = [
    "{{ (1 + 1) ~ [[[[[[1]]]]]] }}",
    "{% for x in range(9999) %}{% if x %}{{ x }}{% endif %}{% endfor %}",
    "{% set ns = namespace(x='') %}{% for m in range(2000) %}{% set ns.x = ns.x ~ 'word ' %}{% endfor %}{{ ns.x }}",
    "{% macro f(n) %}{{ n }}{{ f(n - 1) if n }}{% endmacro %}{{ f(25) }}",
    "{% set ns = namespace() %}{% set ns.x = ns %}{% macro f() %}{% endmacro %}{% set ns.f = f %}ok",
    "{% for a in range(200) %}{% for x in [loop] %}{% endfor %}{% endfor %}ok",
    "{% set ns = namespace(l=none) %}{% for i in range(9999) %}{% for x in [ns.l] %}{% set ns.l = loop %}{% endfor %}{% endfor %}ok",
    "{% set ns = namespace(m=none) %}{% for i in range(9999) %}{% macro f() %}{{ ns.m }}{% endmacro %}{% set ns.m = f %}{% endfor %}ok",
    "{% set ns = namespace(n=none) %}{% for i in range(9999) %}{% set ns.n = namespace(n=ns.n) %}{% endfor %}ok",
    "{{ range(99999) | list | sort(reverse=true) | first }}",
];

/// The most memory that this process has held, in bytes; nothing where the system does not tell.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? << 10)
}

// One test, so that nothing else takes memory meanwhile.
#[test]
fn time_memory_and_stack_are_bounded() {
    let variables = Map::new();
    let before = peak();
    for template in hostile() {
        let start = &template[..template.len().min(120)];
        let began = Instant::now();
        let rendered = ChatTemplate::new(&template).and_then(|t| t.render_with(&variables));
        let took = began.elapsed().as_secs_f64();
        assert!(rendered.is_err(), "{start}");
        // The development profile on a busy machine; optimised it is a fraction.
        assert!(took < 10.0, "{took} s: {start}");
        if std::env::var("SHOW").is_ok() {
            println!(
                "{took:.2} s {:>5} MB {:<70} {}",
                peak().unwrap_or(0) >> 20,
                start.get(..70).unwrap_or(start),
                rendered.unwrap_err()
            );
        }
    }
    for template in HARMLESS {
        let rendered = ChatTemplate::new(template).and_then(|t| t.render_with(&variables));
        assert!(rendered.is_ok(), "{template}: {rendered:?}");
    }
    if let (Some(before), Some(after)) = (before, peak()) {
        let grown = (after - before) >> 20;
        assert!(grown < 200, "{grown} MB");
    }
}

#[test]
fn long_chats_are_not_hostile() {
    let template = "{% for m in messages %}{% if m.role == 'user' %}{{ '<u>' + m.content | trim + '</u>\n' }}\
                    {% else %}{{ '<a>' ~ m.content.split('</think>')[-1].strip() ~ '</a>' }}{% endif %}{% endfor %}";
    let long = "word ".repeat(20_000);
    let messages: Vec<Value> = (0..200)
        .map(|n| json!({ "role": if n % 2 == 0 { "user" } else { "assistant" }, "content": long }))
        .collect();
    let mut variables = Map::new();
    variables.insert("messages".to_owned(), messages.into());
    let text = ChatTemplate::new(template).unwrap().render_with(&variables).unwrap();
    assert!(text.len() > 19_000_000);
    let short: Vec<Value> = (0..20_000)
        .map(|n| json!({ "role": if n % 2 == 0 { "user" } else { "assistant" }, "content": "hi" }))
        .collect();
    variables.insert("messages".to_owned(), short.into());
    let text = ChatTemplate::new(template).unwrap().render_with(&variables).unwrap();
    assert_eq!(text.len(), 190_000);
}
