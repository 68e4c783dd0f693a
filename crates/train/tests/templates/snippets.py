"""Small templates that between them use the whole dialect, to be rendered by transformers and by us."""

VARIABLES = {
    "name": "Ada",
    "empty": "",
    "text": "  Hello, wörld! 🐈 it's \"quoted\"\n\tand\ttabbed  ",
    "words": ["banana", "Apple", "cherry", "apple"],
    "numbers": [3, 1, 2, 10],
    "mixed": [1, 2.5, True, None, "x", [1, "y"], {"k": "v"}],
    "nothing": None,
    "yes": True,
    "no": False,
    "int": 42,
    "negative": -7,
    "float": 3.14159,
    "big": 12345678901234567890,
    "tree": [
        {"name": "a", "children": [{"name": "b", "children": []}, {"name": "c", "children": [{"name": "d", "children": []}]}]},
        {"name": "e", "children": []},
    ],
    "map": {"b": 1, "a": [1, 2], "C": None, "items": "shadowed", "nested": {"x": {"y": "deep"}}},
    "people": [
        {"name": "Bo", "age": 30, "city": "Rom"},
        {"name": "al", "age": 25, "city": "Ulm"},
        {"name": "Cy", "age": 30, "city": "Rom", "extra": 1},
    ],
    "schema": {
        "type": "object",
        "properties": {"q": {"type": "string", "description": "What? <b>&\"'é"}, "n": {"type": ["integer", "null"], "minimum": 0.5, "maximum": 1e22}},
        "required": ["q"],
    },
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "part one"}, {"type": "image"}, {"type": "text", "text": "part two"}]},
        {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": {"x": 1}}}]},
        {"role": "tool", "content": "ok", "tool_call_id": "1"},
        {"role": "assistant", "content": "<think>\nhm\n</think>\n\nDone."},
    ],
}

# Everything between two lines of dashes is one template, so that newlines can be seen.
WHITESPACE = r'''
a {% if yes %} b {% endif %} c
---
a
  {% if yes %}
  b
  {% endif %}
c
---
a {%- if yes -%} b {%- endif -%} c
---
  {%+ if yes %}
x
  {%+ endif +%}
y
---
{% if yes +%}
x{% endif %}
y
---
{# comment #}
a{# inline #}b
  {#- stripped -#}
c
---
a
{{ name }}
b
---
a
   {{- name -}}
   b
---
{% set x = 1 %}

{{ x }}

---
{% raw %}{{ not }} {% if %}{% endraw %}
b
---
{%- raw -%}
  {{ x }}
{%- endraw -%}
  z
---
a{% raw %}
b
{% endraw %}
c
---
{% for i in [1,2] %}
  - {{ i }}
{% endfor %}
end
---
{% for i in [1,2] -%}
  - {{ i }}
{%- endfor %}
end
---
	 {% if yes %}tab{% endif %}
---
x  {% set y = 1 %}  {{ y }}
---
{{ "a
b" }}
---
{{ 'it''s' }}{{ 'a' "b" 'c' }}
---
a{#-#}b{# -#}  c {#+ x +#}
d
---
   {# lstrip me #}
   x
---
{% if yes %}{% endif %}
{% if yes %}{% endif %}

z
---
{{- name }}
---
line {{ name }}

{% if no %}
gone
{% else %}
here
{% endif %}

---
{%if yes%}tight{%endif%}{{name}}{{-name-}}
---
{{ {'a': {'b': 1}}['a']['b'] }}{{ {'x': 1}.x }}
---
{{ '}}' }}{{ "%}" }}{{ '{{' }}
---
a {% raw %} {% endraw %} b {%- raw %} {%- endraw %} c
---
{ {% if yes %} { {% endif %} } {{ '{' }} #}
---
{% set ns = namespace(x=1) -%}
  {%- set ns.x = ns.x + 1 -%}
{{ ns.x }}
---
 {%- for m in messages %}
  {{- m.role }}
 {%- endfor %}

---
a

{%- if yes %}

b
{% endif %}

c
'''.split("\n---\n")

EXPRESSIONS = r'''
1 + 2 * 3
7 / 2
6 / 2
7 // 2
-7 // 2
7 % 3
-7 % 3
7.5 % 2
-7.5 // 2
2 ** 10
2 ** -1
2 ** 3 ** 2
-2 ** 2
2 ** 0.5
1_000 + 0x1f + 0o17 + 0b11
1.5e3
1e16
1e15
1e-4
1e-5
123456789.123456789
0.1 + 0.2
1e22
1.0
-0.0
100.0 / 3
1 / 3
5 // 0.3
true + true
true * 3
- true
1 == 1.0
1 == true
'1' == 1
none == none
none == false
[1, 2] == [1.0, 2]
(1, 2) == [1, 2]
{'a': 1} == {'a': 1.0}
1 < 2 < 3
3 > 2 > 2
1 < 2 == true
'a' < 'b'
'B' < 'a'
[1, 2] < [1, 3]
[1] < [1, 0]
not 1 == 2
not none
not not 'x'
1 and 2
0 and 2
0 or 'x'
'' or none
none or 0
1 and 0 or 3
'a' in 'abc'
'd' not in 'abc'
2 in [1, 2]
'b' in map
1 in map.values()
('b', 1) in map.items()
3 in range(5)
none in mixed
'x' in mixed
not 'a' in 'b'
'' in ''
'a' ~ 1 ~ none ~ true ~ 1.0 ~ [1]
1 ~ 2 + 3
'a' ~ 'b' * 2
'a' + 'b' ~ 'c'
missing ~ 'x'
'ab' * 3
3 * 'ab'
[1, 2] * 2
'ab' * 0
'ab' * -1
[1] + [2, 3]
(1,) + (2,)
'a' if yes else 'b'
'a' if no else 'b'
'a' if no
'x' if no else 'y' if no else 'z'
(1 if yes else 2) + 1
[1, 'a', none, true, 1.5, [2], {'k': (1,)}]
(1, 2)
(1,)
()
[]
{}
{'a': 1, 'b': [none, false]}
{1: 'a', none: 2, 1.5: 3, true: 4}
{'a': 1, 'a': 2}
[1, 2,]
{'a': 1,}
none
true
false
True
None
False
[True, None]
"it's"
['it\'s', "say \"hi\"", 'both \' and "']
['tab\t', 'nl\n', 'back\\slash', 'é', '🐈', '\x00', '\x7f', '\u00a0', '\u200b', '\ufeff', '\xad', '\u0301', '\u3042']
'\x41\u00e9\U0001F408\101\a\b\f\v\q\''
'\\n'
name
missing
[missing]
{'a': missing}
(missing, missing)
words[0]
words[-1]
words[1:]
words[:-1]
words[::-1]
words[::2]
words[-2:]
words[5:]
words[1:3]
words[3:1]
words[3:0:-1]
words[-100:100]
words[10]
words[1.0]
words['x']
name[0]
name[-1]
name[1:]
name[::-1]
name[:2]
name[10]
text[2:7]
text[9]
'🐈🏳️‍🌈é'[0]
'🐈🏳️‍🌈é'[::-1]
(1, 2, 3)[1:]
range(5)[1:3]
range(10)[::3]
range(5)[-1]
range(3)
range(1, 10, 2)
range(0)
range(5, 0, -2) | list
range(3) | list
map.b
map['b']
map.a[1]
map.a.1
map.missing
map['missing']
map.nested.x.y
map['nested']['x']['y']
map['items']
map.C
map.C is none
map.keys() | list
map.values() | list
map.keys()
map.values()
map.items()
map.get('b')
map.get('zz')
map.get('zz', 'dflt')
map.get('zz') is none
map.items() | list
map.copy() == map
map | length
map | list
words | length
text | length
missing | length
words.index('cherry')
words.count('apple')
words.copy()
(1, 2, 1).count(1)
people[0].name
people[-1]['extra']
people[0].extra is defined
people[2].extra is defined
mixed
schema
messages
big
big + 1
int.real
float.is_integer()
2.0.is_integer()
int.bit_length()
name.upper().lower().title()
name is string and name|length > 2
loop is defined
range is callable
namespace is defined
name.upper is callable
dict(a=1, b=2)
dict([('a', 1)], b=2)
dict(map, b=9).b
dict()
[] is iterable
namespace(a=1).a
namespace({'a': 1}, b=2).b
namespace(a=1)
namespace(a=1).missing is defined
cycler('a', 'b').current
1 is odd
'x' is not string
4 is even and 5 is odd
6 is divisibleby 3
6 is divisibleby(4)
none is none
missing is undefined
name is defined
1 is number
1.0 is number
true is number
'1' is number
1 is integer
true is integer
1.0 is integer
1.0 is float
true is boolean
1 is boolean
true is true
1 is true
false is false
0 is false
'abc' is lower
'ABC' is upper
'Abc' is lower
'123' is lower
words is sequence
map is sequence
map is mapping
words is mapping
name is sequence
name is iterable
1 is iterable
none is iterable
missing is iterable
missing is sequence
map.items() is sequence
map.items() is iterable
range(2) is sequence
range(2) is mapping
1 is sameas 1
none is sameas none
words is sameas words
1 is sameas true
'a' is in 'abc'
1 is in [1, 2]
1 is not in [1, 2]
1 is eq 1
1 is equalto 1
1 is ne 2
1 is lt 2
1 is lessthan 2
2 is gt 1
2 is greaterthan 1
1 is le 1
2 is ge 3
'upper' is filter
'nope' is filter
'odd' is test
'nope' is test
(name|safe) is escaped
name is escaped
name is string
messages[1].content is string
messages[1].content is iterable and messages[1].content is not string
messages[2].content is none
messages[2].tool_calls is defined
messages[0].tool_calls is defined
messages[0].tool_calls
'tool_calls' in messages[2]
messages[-1].content.split('</think>')[-1].lstrip('\n')
messages[-1]['content'].split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n')
messages | selectattr('role', 'equalto', 'user') | list | length
messages | map(attribute='role') | list
messages | map(attribute='role') | join(', ')
messages[1].content | selectattr('type', 'equalto', 'text') | map(attribute='text') | join('')
messages | rejectattr('content', 'string') | map(attribute='role') | list
(messages | selectattr('role', 'eq', 'system') | first).content
messages | selectattr('role', 'eq', 'nobody') | first is defined
messages | selectattr('role', 'eq', 'nobody') | list
messages | selectattr('tool_calls', 'defined') | list | length
messages | selectattr('role', 'in', ['user', 'tool']) | map(attribute='role') | list
true if messages | selectattr('role', 'eq', 'nobody') else false
messages[2].tool_calls[0].function.arguments | tojson
messages[0] | tojson
messages[2]['tool_calls'][0]['function']['arguments'].items() | list
schema | tojson
schema | tojson(indent=2)
schema | tojson(indent=4)
schema | tojson(ensure_ascii=True)
schema | tojson(ensure_ascii=False, indent=2)
schema | tojson(separators=(',', ':'))
schema | tojson(indent=2, separators=(', ', ' = '))
schema | tojson(sort_keys=true)
schema | tojson(indent='--')
schema | tojson(indent=0)
schema | tojson(true)
[] | tojson(indent=2)
{} | tojson(indent=2)
[[], {}, [[]]] | tojson(indent=1)
text | tojson
mixed | tojson
none | tojson
1e22 | tojson
1.0 | tojson
big | tojson
(1, 2) | tojson
{1: 2, none: 3, true: 4, 1.5: 5} | tojson
'</script>&\u2028\x7f\x1f' | tojson
'é🐈' | tojson(ensure_ascii=true)
name | tojson | tojson
missing | tojson
[missing] | tojson
(words | map('upper')) | tojson
range(2) | tojson
map.items() | tojson
{(1, 2): 3} | tojson
namespace(a=1) | tojson
text | trim
text | trim('" ')
'xxhixx' | trim('x')
name | upper
'ÀÉ straße' | lower
'straße' | upper
'hello world-foo (bar) it\'s' | title
'hello wORLD' | capitalize
name | center(9)
name | center(10)
'a b  c' | wordcount
'hello' | replace('l', 'L')
'hello' | replace('l', 'L', 1)
'hello' | replace('', '-')
42 | replace('4', 'x')
'a<b' | escape
'a<b>"\'&' | e
('a<b' | safe) + '<c>'
'<c>' + ('a<b' | safe)
('a<b' | e) ~ '<c>'
'<' | e | e
'<' | forceescape | forceescape
('<' | safe) * 2
['<b>' | safe]
'<p>a &amp; <!-- x --> b</p>  c' | striptags
'a b/c?d=é&' | urlencode
{'a b': 'c/d', 'e': 1} | urlencode
'hello world foo bar' | truncate(11)
'hello world foo bar' | truncate(11, true)
'hello world foo bar' | truncate(11, false, '…', 0)
'hello world' | truncate(255)
'a\nb\n\nc' | indent
'a\nb\n\nc' | indent(2, true)
'a\nb\n\nc' | indent(2, blank=true)
'a\nb\n' | indent(width=3, first=true)
'a\nb' | indent('> ')
'the quick brown fox jumps' | wordwrap(10)
'the quick brown fox-jumping over' | wordwrap(9)
'supercalifragilistic' | wordwrap(6)
'supercalifragilistic' | wordwrap(6, false)
'%s is %d' | format('x', 3)
'%(a)s-%(b)05.2f' | format(a='x', b=3.14159)
'%s' % name
'%s and %s' % (1, none)
'%d%%' % 50
'%5.1f|%-6s|%06d|%+d|% d|%x|%X|%o|%e|%g|%r|%c' % (3.14159, 'ab', 42, 5, 5, 255, 255, 8, 12345.678, 0.0001, 'q\n', 'z')
'%g %g %g' % (1e10, 1e-10, 100000)
'%s' % ([1, 'a'],)
'%3d|%-3d|%03d' % (-5, -5, -5)
'%.3s|%5.2s|' % ('abcdef', 'abcdef')
'{} {}'.format(1, 'a')
'{0} {1} {0}'.format('x', 'y')
'{a} {b[0]} {c.k}'.format(a=1, b=[2], c={'k': 3})
'{:>8}|{:<8}|{:^8}|{:*^9}'.format('a', 'b', 'c', 'd')
'{:05d} {:+} {:,} {:.2f} {:.3} {:e} {:%} {:x} {:#x} {:b} {:_}'.format(42, 7, 1234567, 3.14159, 2.71828, 12345.6789, 0.25, 255, 255, 5, 1000000)
'{!r} {!s}'.format('a', 'b')
'{{}} {}'.format(1)
'{:{w}}|'.format('a', w=5)
'{:10.3f}|{:<10}|{:=+8d}'.format(3.14159, 42, 42)
'{}'.format([1, none])
'{:s}'.format('x')
'{:g} {:g} {:G}'.format(1e20, 0.5, 1e-7)
'{:c}'.format(65)
'a-b-c'.split('-')
'a b  c '.split()
'  a b  c '.split(none, 1)
'a-b-c'.split('-', 1)
'a-b-c'.rsplit('-', 1)
' a b c '.rsplit(none, 1)
''.split()
''.split(',')
'a,b'.split(sep=',', maxsplit=1)
'a\nb\r\nc\x0bd'.splitlines()
'a\nb\n'.splitlines(true)
'  x '.strip() ~ '|' ~ '  x '.lstrip() ~ '|' ~ '  x '.rstrip()
'xyhixy'.strip('xy')
'hello'.startswith('he')
'hello'.startswith(('x', 'he'))
'hello'.startswith('l', 2)
'hello'.endswith('lo')
'hello'.find('l')
'hello'.find('z')
'hello'.rfind('l')
'hello'.index('l')
'hellö wörld'.find('w')
'hello'.count('l')
'aaa'.count('aa')
'abc'.count('')
'hello'.replace('l', '')
'hello'.replace('l', 'x', 1)
'Hello World'.swapcase()
"they're bill's".title()
'hello wORLD'.capitalize()
'abc'.center(8, '*')
'abc'.center(7)
'abc'.ljust(5, '.')
'abc'.rjust(5)
'42'.zfill(5)
'-42'.zfill(5)
'a\tb'.expandtabs(4)
'a=b=c'.partition('=')
'a=b=c'.rpartition('=')
'abc'.partition('=')
'prefix-x'.removeprefix('prefix-')
'x.txt'.removesuffix('.txt')
', '.join(['a', 'b'])
''.join([])
', '.join('abc')
'abc'.isalpha()
'ab1'.isalnum()
'12'.isdigit()
'1.2'.isdigit()
'abc'.islower()
'ABC'.isupper()
'Abc Def'.istitle()
' \t'.isspace()
''.isspace()
'abc'.isidentifier()
'é'.isascii()
'x'.isnumeric()
'ß'.casefold()
'a\x00'.isprintable()
words | sort
words | sort(reverse=true)
words | sort(case_sensitive=true)
numbers | sort
people | sort(attribute='age') | map(attribute='name') | list
people | sort(attribute='age,name') | map(attribute='name') | list
people | sort(attribute='city', reverse=true) | map(attribute='name') | list
words | unique | list
words | unique(true) | list
words | reverse | list
name | reverse
numbers | sum
people | sum(attribute='age')
numbers | sum(start=100)
numbers | min
numbers | max
words | min
words | max(case_sensitive=true)
people | max(attribute='age')
[] | max
numbers | first
numbers | last
[] | first
[] | last
'abc' | first
'abc' | last
numbers | join
numbers | join(', ')
people | join(', ', attribute='name')
mixed | join('|')
'abc' | list
'abc' | join('-')
map | join(',')
numbers | batch(3) | list
numbers | batch(3, 'x') | list
numbers | slice(3) | list
numbers | slice(3, 'x') | list
people | groupby('city') | list
people | groupby('age') | map(attribute='grouper') | list
people | groupby('city') | map(attribute='list') | map('length') | list
(people | groupby('city'))[0].grouper
people | groupby('extra', default=0) | map('first') | list
{'b': 1, 'A': 2, 'c': 0} | dictsort
{'b': 1, 'A': 2} | dictsort(true)
{'b': 1, 'a': 2} | dictsort(by='value')
{'b': 1, 'a': 2} | dictsort(reverse=true)
map | items | list
missing | items | list
words | map('upper') | list
words | map('replace', 'a', '4') | list
words | map('length') | sum
people | map(attribute='extra', default='-') | list
people | map(attribute='extra') | list
numbers | select('odd') | list
numbers | reject('odd') | list
numbers | select('greaterthan', 2) | list
mixed | select | list
mixed | reject | list
people | selectattr('extra') | map(attribute='name') | list
people | rejectattr('extra', 'defined') | map(attribute='name') | list
people | selectattr('age', '>', 26) | map(attribute='name') | list
tree | map(attribute='children.0.name') | list
'42' | int
'42.9' | int
'x' | int
'x' | int(7)
'0x1f' | int(base=16)
'ff' | int(0, 16)
' 12 ' | int
none | int
3.99 | int
-3.99 | int
true | int
'1_000' | int
'3.5' | float
'x' | float
'x' | float(1.5)
'1e3' | float
'inf' | float
none | float
42 | float
-5.5 | abs
42.55 | round
42.55 | round(1)
2.5 | round
3.5 | round
2.675 | round(2)
42.4 | round(method='ceil')
42.9 | round(0, 'floor')
42.123 | round(2, 'ceil')
42 | round
1234 | round(-2)
1234.5 | round(-2)
1000 | filesizeformat
1 | filesizeformat
1500000 | filesizeformat
1048576 | filesizeformat(true)
42 | string + '!'
none | string
[1] | string
1.0 | string
missing | string
missing | default('d')
none | default('d')
none | default('d', true)
'' | d('d', true)
'' | default('d', boolean=true)
0 | default('d')
missing | default
missing.x is defined
missing | default({}) | attr('x') is defined
map | attr('keys') is callable
map | attr('b')
[1, 'a'] | pprint
{'a': 'b'} | pprint
{'id': 'x', 'n': none, 'c': 1} | xmlattr
{'a': 1}.items() | list
words | length - 1
words | length == 4 and words[0] == 'banana'
(words | length) ~ ''
words[words | length - 1]
- 5 | abs
-5 | abs
not missing
missing == missing
missing == none
missing in [1]
missing or 'x'
missing and 'x'
(missing)
missing | list
missing | upper
missing | join(',')
missing | first
missing | sort
missing | map('upper') | list
missing | trim
missing | e
'a' ~ missing
'x'.join(missing)
strftime_now is defined
strftime_now('%Y') | length
raise_exception is callable
'%s' % missing
{'a': 1}['a'] + 1
[[1, 2], [3]][0][1]
'abc'[1:][0]
{'a': [1, {'b': 2}]}.a[1].b
words.0
((1, 2), 3)[0][1]
range(3) | map('string') | join
1 if true else 2 if false else 3
'a' 'b' ~ 'c'
name.__class__
name.__len__ is defined
words.append
words.append is defined
[1, 2, 3][true]
'%' ~ 5
1.5 | int + 1
10 % 3 * 2
2 * 3 % 4
1 - 1 - 1
2 / 2 / 2
'abc' > 'abd' or 'x' == 'x'
[1, [2, [3]]] | string
'ab\
cd'
1 in (1, 2)
{'a': 1} | length
'a,b;c' | replace(',', ';') | replace(';', '')
'x' in none | default([])
(none | default([], true)) | length
range(10) | select('divisibleby', 3) | list
range(10) | batch(4) | map('first') | list
words | map('first') | map('upper') | join
1,2
1,
words | sort | first
[3, 1, 2] | sort | join('<')
'hello' | list | sort | join
'a b c'.split(' ') | map('upper') | list
map.nested | tojson
(1 > 2) | string
1 == 1 == 1
'abc'.upper()[1:]
'abc'[::-1].upper()
text.split('\n')[1]
text.strip().split(' ')[0]
'{"a": 1}'
"{% raw %}"
'a' < 'b' and 'b' < 'c'
float | round(2)
'%.2f' | format(float)
'%.2f' % float
"{:.2f}".format(float)
int // 5 * 5 + int % 5
int ** 2
0 ** 0
(-8) // 3
(-8) % 3
8 % -3
-8.5 % 3
1e308 * 10
-1e308 * 10
'a' == 'a' == 'a'
[1, 2, 3] | last
"abc" | reverse | upper
'héllo'|length
'🐈'|length
'é'|urlencode
words | batch(2) | list | length
[1,2,3,4] | sum / 2
{'x': missing} == {'x': missing}
mixed[6].k
mixed | map('string') | list
mixed | map('tojson') | join(' ')
'a'.center(4) ~ '|'
'ab'.center(5) ~ '|'
'ab'.center(7, '*')
loop
caller is defined
varargs is defined
1.5.real
'x' * 3 ~ 'y'
(1, 'a', none) | join('-')
'A' | lower | e | upper
not true or true
not (true or true)
none is not none
name is not defined
name is not none and name != ''
-name | default('x')
'3' * 3
'a' + 1
1 + 'a'
[1] + (2,)
none + 1
none.x
none['x']
none.x.y
missing.x
missing['x']
missing + 1
missing()
name.foo
name.foo.bar
name()
5()
words.foo
map.foo.bar
1 < 'a'
none < 1
'a' in 5
1 in 'abc'
words[missing]
none[0]
nothing[1:]
nothing.x
nothing[0]
5[0]
5 | length
none | length
(words | map('upper')) | length
(words | map('upper'))[0]
1 / 0
1 // 0
1 % 0
1.0 / 0
words.append('x')
map.update({'a': 1})
map.pop('a')
words.sort()
{[1]: 2}
raise_exception('boom: ' ~ name)
raise_exception()
range(100001)
range(0, 200000, 2) | length
range('a')
range(1, 2, 0)
'x' | nofilter
1 is notest
[1, 'a'] | sort
[none, 1] | max
words | join(1, 2, 3)
[1, 2] | map | list
[1, 2] | map('nofilter') | list
'abc' | int(base=99)
'%d' % 'x'
'%s %s' % 'x'
'%s' % ('a', 'b')
'{} {}'.format(1)
'{a}'.format(1)
'{:d}'.format('x')
'abc'.index('z')
words.index('z')
'a'.split('')
namespace(1)
dict(1)
'abc'.nope()
int.nope
{} < {}
'x' is divisibleby 2
loop.index
1 ** 2 ** 3
'a' | center('x')
none | join
5 | list
none | list
5 | first
{'a': 1} | first
{'a': 1} | last
5 | reverse
none | upper
5 | upper
[1,2] | upper
none | trim
5 | trim
none | replace('N', 'n')
none | sum
['a'] | sum
'x' | round
none | round
none | abs
'abc' | abs
none | dictsort
'x' | tojson(indent=1)
'x' | tojson(bad=1)
'abc' | truncate(1)
'abc'.startswith(1)
'abc'.join([1])
'abc'.replace('a')
'abc'.center()
'abc'.center(5, 'xx')
'abc'.zfill('x')
map.get()
map.get([1])
map[[1]]
words['0']
words[none]
name[none]
'a' if
* 3
1 +
(1
[1, 2
{'a' 1}
'unclosed
a b
1 = 2
name | 
is defined
not
{{ nested }}
x.y.
x[
a ? b
lambda x: x
'a' 'b
@
'\x4'
'\u12'
"\N{NOPE}"
1 is string string
f(a=1, 2)
f(*words, **map)
dict(**{'a': 1})
dict(*[[('a', 1)]])
'{} {}'.format(*[1, 2])
'{a}'.format(**{'a': 1})
range(*[1, 4]) | list
'-'.join(*[['a', 'b']])
name . upper ( )
name   |   upper
{ 'a' : 1 } [ 'a' ]
words [ 0 ]
true and false or true
missing.x if no else 'safe'
missing.x if yes else 'safe'
no and missing.x
yes or missing.x
'a'|upper~'b'|upper
1 + 2 | string
(1 + 2) | string
- 2 | string
'a' in 'abc' | upper
'A' in ('abc' | upper)
'x' ~ 1 + 2 ~ 'y'
1 < 2 and 'a' or 'b'
[x for x in y]
{'a', 'b'}
f'{name}'
1 if 1
'yes' if [] else 'no'
'yes' if ' ' else 'no'
'yes' if 0.0 else 'no'
'yes' if {} else 'no'
'yes' if range(0) else 'no'
'yes' if (0,) else 'no'
'yes' if namespace() else 'no'
'yes' if map.items() else 'no'
'yes' if words|map('upper') else 'no'
'yes' if []|map('upper') else 'no'
messages[::-1] | map(attribute='role') | join(' ')
messages[1:] | length
messages[-1:][0].role
messages[0]['role'] == 'system' and messages[0].content
(messages | last).role
messages | length - 1
messages | tojson(indent=2)
'content' in messages[0] and messages[0]['content'] is not none
'\n'.join(messages | map(attribute='role'))
'é\n' | tojson(indent=none)
'\\d' ~ "\d"
'\u00e9' == 'é'
'\101'
'\0'
'\8'
'a\
b'
'"'
"'"
'\"' ~ "\'"
'tab\there'
"é\é"
'\\'
2147483648 * 2147483648 * 2
9223372036854775807 + 1
-9223372036854775808 - 1
0.1 * 3
1e100
1.7976931348623157e308
5e-324
123456789012345680.0
1234567890123456.0
0.00001234
100000000000000000000.0
4.35
4.349999999999999
1.1 + 2.2
[1e16, 1e-7, 0.5, 100.0]
{'x': 1e3}
3.0 * 2
7 // 2.0
2 ** 100
10 ** 20
10 ** -2
(2 ** 0.5) | round(3)
1_0.5_0
1__0
0777
1.e5
.5
'a'.1
'a'['upper']()
map['keys']() | list
words['count']('apple')
('abc' | attr('upper'))()
people | map(attribute='name') | map('lower') | sort | list
people | map(attribute='name') | sort(case_sensitive=true) | list
people | map('attr', 'name') | list
people | map('items') | map('list') | first
people | groupby('city') | map('list') | list | length
[[1, 2], [3, 4]] | map('sum') | list
[[1, 2], [3, 4]] | sum(start=[])
[('a', 1), ('b', 2)] | map('last') | list
[{'a': {'b': 1}}, {'a': {'b': 2}}] | map(attribute='a.b') | sum
[{'a': [5, 6]}] | map(attribute='a.1') | first
'a\x1fb c\u2003d'.split()
'\u2003x\u2003'.strip() | length
'x\x85y\u2028z'.splitlines()
'İ'.lower() | length
'ﬁ'.upper()
'Σας ΣΑΣ'.lower()
'ŉ' | upper
'\u0130stanbul' | capitalize
'ab cd' | title | swapcase
'123abc'.title()
'a_b-c d'.title()
'a_b-c d' | title
'x1y'.title()
'mcDONALD\'s' | title
'' | capitalize
'' | title
'' | wordcount
'a\n' | indent
'' | indent
'\n' | indent(2, true, true)
'abc' | wordwrap(0)
'a  b' | wordwrap(3)
' lead' | wordwrap(10)
'a-b c' | wordwrap(3)
'x' | wordwrap(5, wrapstring='|')
'aaa bbb ccc' | wordwrap(3, wrapstring='|')
'a\nb c d' | wordwrap(3)
'https://x.y/z w' | urlencode
none | urlencode
5 | urlencode
'<a href="x">l</a>' | striptags
'a < b > c' | striptags
'hello world' | truncate(5, true, '')
'hello world' | truncate(8, leeway=0)
'helloworld' | truncate(5, leeway=0)
'a' | xmlattr
999 | filesizeformat
1000000000000 | filesizeformat
'5000' | filesizeformat
1023 | filesizeformat(binary=true)
10 | batch(2) | list
[1, 2, 3] | batch(0) | list
[] | batch(2) | list
[1, 2] | slice(4) | list
'abcdef' | slice(2) | list
[1,1,2] | unique | join
[1, 1.0, true] | unique | list
['a', 'A'] | unique | list
[none, none] | unique | list
[[1], [1]] | unique | list
'hello' | unique | join
[3, 1] | min
['b', 'A'] | min
['b', 'A'] | min(true)
{'b': 1, 'a': 2} | min
'hello' | max
'%s' | format
'%s %s' | format('a')
'no args' | format('a')
'%5s|%-5s|' | format('ab', 'cd')
'%05.1f' | format(2.345)
'%i' % 3.7
'%x' % 3.7
'%c' % 'ab'
'%z' % 1
'%' % 1
'%(a)s' % {'a': 1}
'%(b)s' % {'a': 1}
'%s' % {'a': 1}
'%s' % none
'%*d' % (5, 3)
'%.*f' % (2, 3.14159)
'%-5d|' % 3
'%#x %#o' % (255, 8)
'%.0f %.0f' % (0.5, 1.5)
'%e' % 0
'%G' % 1e-10
'%s' % 1e16
'%r' % ['é']
'%a' % 'x'
'{0.name}'.format({'name': 1})
'{[name]}'.format({'name': 1})
'{:,.2f}'.format(1234567.891)
'{:<5}|{:>5}|{:^5}|'.format(1, 2, 3)
'{:05}'.format(-3)
'{:.3s}'.format('abcdef')
'{:>5s}'.format('ab')
'{:5}|{:5}|'.format('ab', 12)
'{:08.3f}'.format(3.14159)
'{:n}'.format(5)
'{:}'.format(5)
'{:+.1e}'.format(12345)
'{:.0f}'.format(2.5)
'{:.2%}'.format(0.1234)
'{:#b} {:#o} {:X}'.format(5, 8, 255)
'{:é^5}'.format('x')
'{} {1}'.format(1, 2)
'{:5'.format(1)
'}'.format(1)
'{'.format(1)
'{:d}'.format(1.5)
'{:d}'.format(true)
'{}'.format(true)
'{!x}'.format(1)
'{a.b.c}'.format(a={'b': {'c': 1}})
'{a[b][0]}'.format(a={'b': [7]})
'{x}'.format_map({'x': 1})
'{:.1f}'.format(5)
'{:s}'.format(5)
'{:10}'.format(none)
'{}'.format(none)
'{:g}'.format(1000000)
'{:g}'.format(100000)
'{:.10g}'.format(3.141592653589793)
'{:.3}'.format(1234.5)
'{:.3}'.format(0.00012345)
'{:,}'.format(1234.5)
'{:_x}'.format(65536)
'{:e}'.format(5)
'{:>{}}'.format('a', 4)
'''.strip("\n").split("\n")

STATEMENTS = [
    "{% for x in numbers %}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for x in [] %}{{ x }}{% else %}none{% endfor %}",
    "{% for x in numbers %}{% else %}none{% endfor %}",
    "{% for x in numbers %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}",
    "{% for x in numbers %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }};{% endfor %}",
    "{% for x in numbers %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% for x in [1,1,2,2,1] %}{{ loop.changed(x) }} {% endfor %}",
    "{% for x in numbers if x > 1 %}{{ loop.index }}:{{ x }}/{{ loop.length }} {% endfor %}",
    "{% for x in numbers if x > 100 %}x{% else %}nothing{% endfor %}",
    "{% for k, v in map.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for k in map %}{{ k }};{% endfor %}",
    "{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for a, b in [(1, 2, 3)] %}{% endfor %}",
    "{% for a, b in [1] %}{% endfor %}",
    "{% for c in 'aé🐈' %}[{{ c }}]{% endfor %}",
    "{% for x in missing %}x{% else %}empty{% endfor %}",
    "{% for x in none %}x{% endfor %}",
    "{% for x in 5 %}x{% endfor %}",
    "{% for x in range(3) %}{{ x }}{% endfor %}{{ x }}",
    "{% set x = 0 %}{% for i in [1,2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}",
    "{% set ns = namespace(x=0) %}{% for i in [1,2] %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace() %}{% set ns.a = 1 %}{% set ns.b = ns.a + 1 %}{{ ns.b }}{{ ns.c is defined }}",
    "{% set map.x = 1 %}",
    "{% set missing.x = 1 %}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}",
    "{% set a, b = [1, 2, 3] %}",
    "{% set (a, b) = (1, 2) %}{{ b }}",
    "{% set x %}block {{ name }}{% endset %}{{ x }}|{{ x|length }}",
    "{% set x | upper %}block {{ name }}{% endset %}{{ x }}",
    "{% set x | replace('a', 'b') | upper %}aaa{% endset %}{{ x }}",
    "{% set x = 1 if no else 2 %}{{ x }}",
    "{% set x = 1, 2 %}{{ x }}",
    "{% if yes %}{% set x = 1 %}{% endif %}{{ x }}",
    "{% if no %}{% set x = 1 %}{% endif %}{{ x is defined }}",
    "{% if no %}a{% elif yes %}b{% elif yes %}c{% else %}d{% endif %}",
    "{% if missing %}a{% else %}b{% endif %}{% if missing.x is defined %}{% endif %}",
    "{% for m in messages %}{% if m.role == 'user' %}U{% elif m['role'] == 'assistant' %}A{% else %}?{% endif %}{% endfor %}",
    "{% for i in range(5) %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% for i in range(5) %}{% if i is odd %}{% continue %}{% endif %}{{ i }}{% endfor %}",
    "{% for i in range(3) %}{% continue %}{% else %}else{% endfor %}",
    "{% for i in range(3) %}{% break %}{% else %}else{% endfor %}",
    "{% for i in range(3) %}{% if i == 1 %}{% break %}{% endif %}{% else %}else{% endfor %}",
    "{% for i in range(2) %}{% for j in range(3) %}{% if j == 1 %}{% break %}{% endif %}{{ i }}{{ j }} {% endfor %}{% endfor %}",
    "{% for i in [1,2] %}{% for j in [3,4] %}{{ loop.index }}{% endfor %}{{ loop.index }};{% endfor %}",
    "{% for node in tree recursive %}{{ node.name }}{% if node.children %}[{{ loop(node.children) }}]{% endif %}{% endfor %}",
    "{% for node in tree recursive %}{{ loop.depth }}{{ loop.depth0 }}{{ node.name }}{{ loop(node.children) }}{% endfor %}",
    "{% for node in tree %}{{ loop(node.children) }}{% endfor %}",
    "{% macro f(a, b=2) %}{{ a }}-{{ b }}{% endmacro %}{{ f(1) }} {{ f(1, 3) }} {{ f(b=1, a=2) }} {{ f(*[7, 8]) }} {{ f(**{'a': 9}) }}",
    "{% macro f(a) %}[{{ a }}]{% endmacro %}{{ f() }}{{ f(missing) }}",
    "{% macro f() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, x=3) }}",
    "{% macro f() %}x{% endmacro %}{{ f(1) }}",
    "{% macro f() %}x{% endmacro %}{{ f(a=1) }}",
    "{% macro f(x) %}{{ x }}{% if x > 0 %}{{ f(x - 1) }}{% endif %}{% endmacro %}{{ f(3) }}",
    "{% macro f(x, y=x ~ '!') %}{{ y }}{% endmacro %}{{ f('a') }}",
    "{% macro f() %}{{ name }}{{ late }}{% endmacro %}{% set late = 1 %}{{ f() }}",
    "{% macro f() %}{{ x is defined }}{% endmacro %}{% for x in [1] %}{{ f() }}{% endfor %}",
    "{% macro outer() %}{% macro inner() %}in{% endmacro %}{{ inner() }}{% endmacro %}{{ outer() }}{{ inner is defined }}",
    "{% macro f(a, b) %}{% endmacro %}{{ f.name }} {{ f.arguments }} {{ f.catch_kwargs }} {{ f }}",
    "{% macro f() %}a{{ caller() }}b{% endmacro %}{% call f() %}X{% endcall %}",
    "{% macro f() %}{% for i in [1,2] %}{{ caller(i) }}{% endfor %}{% endmacro %}{% call(n) f() %}<{{ n }}>{% endcall %}",
    "{% macro f() %}{{ caller is defined }}{% endmacro %}{{ f() }}",
    "{% macro f() %}  spaced  {% endmacro %}[{{ f() | trim }}]{{ f() | length }}",
    "{% macro f(x) %}{% if x is string %}str{% elif x is mapping %}map{% elif x is iterable %}list{% else %}other{% endif %}{% endmacro %}{{ f('a') }}{{ f({}) }}{{ f([]) }}{{ f(1) }}",
    "{% macro f(x) -%}\n{{ x }}\n{%- endmacro %}{{ f(1) }}|{{ f('a' ~ f(2)) }}",
    "{% set f = 1 %}{% macro f() %}m{% endmacro %}{{ f() }}",
    "{% filter upper %}hello {{ name }}{% endfilter %}",
    "{% filter replace('l', 'L') | trim %} hello {% endfilter %}",
    "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a is defined }}",
    "{% set a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}",
    "{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q is defined }}",
    "{% block x %}in block {{ name }}{% endblock %}",
    "{% set t = 1 %}{% block x %}{{ t }}{% endblock x %}",
    "{% print name %}{% print name, 1 %}",
    "{% set cycle = cycler('a', 'b') %}{{ cycle.next() }}{{ cycle.next() }}{{ cycle.next() }}{{ cycle.current }}{{ cycle.reset() }}{{ cycle.current }}",
    "{% set sep = joiner(', ') %}{% for x in numbers %}{{ sep() }}{{ x }}{% endfor %}",
    "{% set j = joiner() %}{{ j() }}a{{ j() }}b",
    "{% generation %}x{% endgeneration %}",
    "a{% generation %}\n {{ name }}\n{% endgeneration %}\nb",
    "{%- generation -%}  x  {%- endgeneration -%} y",
    "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}{% endif %}{% endfor %}",
    "{% generation %}{% set q = 1 %}{% endgeneration %}{{ q is defined }}",
    "{% include 'x' %}",
    "{% import 'x' as y %}",
    "{% from 'x' import y %}",
    "{% extends 'x' %}",
    "{% do 1 %}",
    "{% nope %}",
    "{% if yes %}",
    "{% endif %}",
    "{% for x in y %}{% endif %}",
    "{% for x of y %}{% endfor %}",
    "{% for %}{% endfor %}",
    "{% set %}",
    "{% set 1 = 2 %}",
    "{% set x = %}",
    "{% macro %}{% endmacro %}",
    "{% macro f(a=1, b) %}{% endmacro %}",
    "{% break %}",
    "{% for x in [1] %}{% set loop = 2 %}{% endfor %}",
    "{{ x",
    "{% if",
    "{# never closed",
    "{% raw %} never closed",
    "{{ }}",
    "{% %}",
    "text only",
    "",
    "\n",
    "\n\n",
    "a\r\nb\rc\n",
    "{{ 'a\r\nb' }}",
    "{% set ns = namespace(found=false) %}{% for m in messages if not ns.found %}{% if m.role == 'tool' %}{% set ns.found = true %}{% endif %}{{ m.role }} {% endfor %}",
    "{% set s = words | map('upper') %}{% for w in s %}{{ w }}{% endfor %}{% for w in s %}again{% else %}spent{% endfor %}",
    "{% set g = numbers | select('odd') %}{{ 3 in g }}{{ 1 in g }}{{ 3 in g }}",
    "{% set r = words | reverse %}{{ r | join }}{{ r | join }}",
    "{% set i = map | items %}{% for k, v in i %}{{ k }}{% endfor %}",
    "{% for x in words | sort %}{{ x }} {% endfor %}",
    "{% for x in numbers | batch(2) %}{{ x | join(',') }};{% endfor %}",
    "{% for group in people | groupby('city') %}{{ group.grouper }}: {{ group.list | map(attribute='name') | join(', ') }}; {% endfor %}",
    "{% for city, list in people | groupby('city') %}{{ city }}{{ list | length }}{% endfor %}",
    "{% for x in numbers %}{% if loop.index is divisibleby 2 %}{{ x }}{% endif %}{% endfor %}",
    "{% for x in [1, 2, 3] %}{% if loop.first %}<{% endif %}{{ x }}{% if loop.last %}>{% endif %}{% endfor %}",
    "{% for i in range(messages | length) %}{{ messages[i].role }}{% if i + 1 < messages | length and messages[i + 1].role == 'tool' %}!{% endif %} {% endfor %}",
    "{% set messages = messages[1:] %}{% for m in messages %}{{ m.role }}{% endfor %}",
    "{% for message in messages[::-1] %}{% set index = (messages|length - 1) - loop.index0 %}{{ index }}{{ message.role }} {% endfor %}",
    "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% endif %}{{ system }}{{ loop_messages | length }}",
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate') }}{% endif %}{% endfor %}",
    "{% for m in messages %}{% if m.content is string %}{% set c = m.content %}{% elif m.content is iterable %}{% set c = m.content | map(attribute='text') | join %}{% else %}{% set c = '' %}{% endif %}{{ m.role }}: {{ c }}\n{% endfor %}",
    "{%- for message in messages %}\n    {%- if message.content is not string and message.content is not none %}\n        {%- for part in message.content %}\n            {%- if part.type == 'text' %}\n                {{- part.text }}\n            {%- endif %}\n        {%- endfor %}\n    {%- endif %}\n{%- endfor %}",
    "{% macro render(p) %}{%- if p is mapping -%}{%- for k, v in p.items() -%}{{ k }}:{{ render(v) }};{%- endfor -%}{%- elif p is iterable and p is not string -%}[{%- for v in p -%}{{ render(v) }},{%- endfor -%}]{%- else -%}{{ p }}{%- endif -%}{% endmacro %}{{ render(schema) }}",
    "{% set x = 'a' %}{% set x = x ~ 'b' %}{% if true %}{% set x = x ~ 'c' %}{% endif %}{{ x }}",
    "{% set outer = [] %}{% for i in [1,2] %}{% set outer = outer + [i] %}{% endfor %}{{ outer }}",
    "{% set ns = namespace(l=[]) %}{% for i in [1,2] %}{% set ns.l = ns.l + [i] %}{% endfor %}{{ ns.l }}",
    "{% for i in [1] %}{% set a = 1 %}{% for j in [1] %}{{ a }}{% set a = 2 %}{{ a }}{% endfor %}{{ a }}{% endfor %}",
    "{% for i in [1, 2] %}{% if i == 1 %}{% set z = 'set' %}{% endif %}{{ z is defined }}{% endfor %}",
    "{% set x = 1 %}{% for i in [1] %}{{ x }}{% set x = 5 %}{{ x }}{% endfor %}{{ x }}",
    "{% macro m() %}{% set x = 9 %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}{{ x }}",
    "{% set x = 1 %}{% set y %}{% set x = 2 %}{{ x }}{% endset %}{{ y }}{{ x }}",
    "{% set x = 1 %}{% filter upper %}{% set x = 'b' %}{{ x }}{% endfilter %}{{ x }}",
    "{% for x in [3, 1, 2] | sort(reverse=true) %}{{ x }}{% endfor %}",
    "{% for x in [[1, [2, [3]]]] recursive %}{% if x is iterable %}({{ loop(x) }}){% else %}{{ x }}{% endif %}{% endfor %}",
    "{{ [1, 2, 3] | map('string') | join('-') }}{{ namespace }}" if False else "{{ [1, 2, 3] | map('string') | join('-') }}",
    "{{- '<|im_start|>' + 'user' + '\\n' -}}\n   {{- 'hi' | trim }}{{ '<|im_end|>' + '\\n' }}",
    "{{ '<|start_header_id|>' + messages[0]['role'] + '<|end_header_id|>\n\n' + messages[0]['content'] | trim + '<|eot_id|>' }}",
    "{% if not date_string is defined %}{% set date_string = '26 Jul 2024' %}{% endif %}{{ date_string }}",
    "{% if tools is defined and tools is not none and tools | length > 0 %}t{% else %}none{% endif %}",
    "{%- set tools = tools if tools is defined else [] -%}{{ tools }}",
    "{% if messages[0].role == 'system' %}{{ messages[0].content }}{% else %}default{% endif %}",
    "{%- if yes %}{{- 'a' }}{%- endif %}\n{{- 'b' }}\n",
    "{% for tool_call in messages[2].tool_calls %}{% if tool_call.function is defined %}{% set tool_call = tool_call.function %}{% endif %}{{ tool_call.name }}{{ tool_call.arguments | tojson }}{% endfor %}",
    "{% for t in messages[2].tool_calls %}{% set out = t.function | tojson %}{{ out[:-1] }}, \"id\": 1}{% endfor %}",
    "{% set content = messages[-1].content %}{% if '</think>' in content %}{% set content = content.split('</think>')[-1].lstrip('\\n') %}{% endif %}{{ content }}",
    "{% set last = namespace(user=-1) %}{% for m in messages %}{% if m.role == 'user' %}{% set last.user = loop.index0 %}{% endif %}{% endfor %}{{ last.user }}",
    "{{ messages | selectattr('role', 'equalto', 'assistant') | map(attribute='content') | select('string') | list }}",
    "{{ dict(messages[0], content='x') | tojson }}",
    "{%- for key, value in schema.properties.items() %}{{ '\\n- ' + key + ': ' + value.type | string }}{% endfor %}",
    "{% for k, v in schema.properties | dictsort %}{{ k }}{% endfor %}",
    "{% for k, v in schema | items if k != 'required' %}{{ k }}{% if not loop.last %},{% endif %}{% endfor %}",
    "{{ schema['properties']['n']['type'] | join(' | ') }}",
    "{{ '\"' + (schema.required | join('\", \"')) + '\"' }}",
    "{% set x = {} %}{% set x = dict(x, a=1) %}{{ x }}",
    "{{ (messages | map(attribute='role') | list).index('user') }}",
    "{% for i in range(0, 10, 3) %}{{ i }}{{ ',' if not loop.last }}{% endfor %}",
    "{% set ns = namespace(a='x', **{'b': 'y'}) %}{{ ns.a }}{{ ns.b }}",
    "{% set a = b = 1 %}",
    "{% for x in [1,2,3] %}{{ loop }}{% endfor %}",
    "{% for x in [1,2,3] %}{{ loop | length }}{% endfor %}",
    "{% for x in (1,2),(3,4) %}{{ x }}{% endfor %}",
    "{% for x in 1, 2 %}{{ x }}{% endfor %}",
    "{% if 1, %}tuple{% endif %}",
    "{% for x in yes and [1] or [2] %}{{ x }}{% endfor %}",
    "{% for x in ([1] if yes else [2]) %}{{ x }}{% endfor %}",
    "{% macro f(x='d') %}{{ x }}{% endmacro %}{{ f() }}{{ f(none) }}{{ f(x=1) }}",
    "{% macro f(**k) %}{% endmacro %}",
    "{{ f() }}{% macro f() %}late{% endmacro %}",
    "{% if yes: %}colon{% endif %}",
    "{%if yes-%} x {%-else-%} y {%-endif%}",
    "{{ name if name }}{{ '' if no }}",
    "{% set loop_messages = messages %}{% for m in loop_messages %}{{ loop.index0 }}{% endfor %}",
    "{% for m in messages %}{% set role = 'model' if m.role == 'assistant' else m.role %}{{ role }},{% endfor %}{{ role is defined }}",
    "{% set strip = text.strip %}{{ strip() }}",
    "{{ none ~ true ~ 1.50 ~ {'a': none} ~ (1, 'b') }}",
    "{{ {'a': 1}.items() | list | first | last }}",
    "{{ [none, true, 1.0, 'é', '\\n'] }}",
    "{% set x = namespace(y=namespace(z=1)) %}{{ x.y.z }}{% set x.y = 5 %}{{ x.y }}",
    "{{ 'a' is in ['a'] and 'b' is not in ['a'] }}",
    "{{ '%s' | format(name) ~ ('%d' | format(3)) }}",
    "{{ [1,2] is sequence }}{{ 'a' is sameas 'a' }}" if False else "{{ [1,2] is sequence }}",
    "{{ messages[1]['content'][0]['text'] }}{{ messages[1].content[1].text is defined }}",
    "{% for x in [0] %}{% for y in [0] %}{% set loop_index = loop.index %}{{ loop_index }}{% endfor %}{% endfor %}",
    "{% call f() %}{% endcall %}",
    "{% call name %}{% endcall %}",
    "{% filter %}x{% endfilter %}",
    "{% set x | nofilter %}{% endset %}",
    "{% with a %}{% endwith %}",
]

NESTED = ["(" * 60 + "1" + ")" * 60, "[" * 60 + "]" * 60, "not " * 60 + "1", "-" * 60 + "1"]


def snippets():
    whitespace = [s.removeprefix("\n") if i == 0 else s for i, s in enumerate(WHITESPACE)]
    expressions = ["{{ " + e + " }}" for e in EXPRESSIONS + NESTED]
    return whitespace + expressions + STATEMENTS
