//! From tokens to statements.

use std::sync::Arc;

use super::{
    ast::{Block, Expr, For, Macro, Node, Step, Stmt, Target},
    fault::{Eval, Fault, fail},
    lex::{Token, lex},
};

#[path = "parse_expr.rs"]
mod expr;

/// How deep expressions and blocks may be nested; a round bracket counts for two. A thread's stack of 2 MB
/// holds it, also where nothing is optimised.
const DEEPEST: usize = 130;

/// A template's statements, and the strings that its expressions speak of by number.
pub(super) fn parse(source: &str) -> Eval<(Block, Vec<String>)> {
    let mut parser =
        Parser { tokens: lex(source)?, at: 0, depth: 0, texts: Vec::new(), names: Vec::new() };
    let body = parser.block(&[]).map_err(|fault| fault.at(parser.line()))?;
    Ok((body, parser.texts))
}

struct Parser {
    tokens: Vec<(Token, u32)>,
    at: usize,
    depth: usize,
    texts: Vec<String>,
    /// Every name read so far: a macro asks which its body reads.
    names: Vec<Arc<str>>,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    fn peek_second(&self) -> &Token {
        &self.tokens[(self.at + 1).min(self.tokens.len() - 1)].0
    }

    fn line(&self) -> u32 {
        self.tokens[self.at].1
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn skip(&mut self, token: &Token) -> bool {
        let found = self.peek() == token;
        if found {
            self.next();
        }
        found
    }

    fn skip_op(&mut self, op: &'static str) -> bool {
        self.skip(&Token::Op(op))
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Name(name) if **name == *word)
    }

    fn skip_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.next();
        }
        found
    }

    fn expect(&mut self, token: &Token) -> Eval<()> {
        if self.skip(token) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn expect_op(&mut self, op: &'static str) -> Eval<()> {
        self.expect(&Token::Op(op))
    }

    fn name(&mut self) -> Eval<Arc<str>> {
        match self.peek() {
            Token::Name(name) => {
                let name = name.clone();
                self.next();
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn unexpected(&self) -> Box<Fault> {
        let what = match self.peek() {
            Token::Data(_) => "text".to_owned(),
            Token::VariableBegin => "`{{`".to_owned(),
            Token::VariableEnd => "`}}`".to_owned(),
            Token::BlockBegin => "`{%`".to_owned(),
            Token::BlockEnd => "`%}`".to_owned(),
            Token::Name(name) => format!("`{name}`"),
            Token::Text(text) => format!("{text:?}"),
            Token::Int(int) => format!("`{int}`"),
            Token::Float(float) => format!("`{float}`"),
            Token::Op(op) => format!("`{op}`"),
            Token::End => "the end of the template".to_owned(),
        };
        Fault::new(format!("unexpected {what}")).at(self.line())
    }

    /// Goes one level down, unless that is too deep.
    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Eval<T>) -> Eval<T> {
        if self.depth == DEEPEST {
            fail!("brackets or blocks are nested more than {DEEPEST} deep");
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Statements up to one of these words, which is left to be read; to the end if there are none.
    fn block(&mut self, ends: &[&str]) -> Eval<Block> {
        let mut body = Vec::new();
        loop {
            let line = self.line();
            let kind = match self.next() {
                Token::End if ends.is_empty() => return Ok(body),
                Token::End => {
                    fail!("the template ends where `{}` is expected", ends.join("` or `"))
                }
                Token::Data(text) => Node::Data(text),
                Token::VariableBegin => {
                    let value = self.tuple(true)?;
                    self.expect(&Token::VariableEnd)?;
                    Node::Print(value)
                }
                Token::BlockBegin => {
                    if ends.iter().any(|end| self.is_word(end)) {
                        return Ok(body);
                    }
                    let kind = self.deeper(|parser| parser.statement(line, &mut body))?;
                    self.expect(&Token::BlockEnd)?;
                    match kind {
                        Some(kind) => kind,
                        None => continue,
                    }
                }
                _ => return Err(self.unexpected()),
            };
            body.push(Stmt { line, kind });
        }
    }

    /// The body of a statement whose tag is read but for its end; the last word is consumed.
    fn body(&mut self, end: &str) -> Eval<Block> {
        let body = self.open_body(&[end])?;
        self.next();
        Ok(body)
    }

    fn open_body(&mut self, ends: &[&str]) -> Eval<Block> {
        self.skip_op(":");
        self.expect(&Token::BlockEnd)?;
        self.block(ends)
    }

    fn statement(&mut self, line: u32, body: &mut Block) -> Eval<Option<Node>> {
        let word = self.name()?;
        Ok(Some(match &*word {
            "for" => self.for_loop()?,
            "if" => self.conditional()?,
            "set" => self.set()?,
            "macro" => {
                let name = self.name()?;
                Node::Macro(self.macro_after(name, "endmacro")?)
            }
            "call" => {
                let parameters = self.parameters_if_any()?;
                let call = self.expression()?;
                let start = self.names.len();
                let Expr::Path(_, steps) = &call else { fail!("`call` needs a call") };
                let Some(Step::Call(_)) = steps.last() else { fail!("`call` needs a call") };
                let body = self.body("endcall")?;
                Node::Call(call, self.macro_of("caller".into(), parameters, body, start))
            }
            "filter" => {
                let steps = self.filters(true)?;
                Node::Filter(steps, self.body("endfilter")?)
            }
            "with" => {
                let mut bindings = Vec::new();
                while *self.peek() != Token::BlockEnd {
                    if !bindings.is_empty() {
                        self.expect_op(",")?;
                    }
                    let target = self.target(false)?;
                    self.expect_op("=")?;
                    bindings.push((target, self.expression()?));
                }
                Node::With(bindings, self.body("endwith")?)
            }
            "block" => {
                let name = self.name()?;
                let _ = self.skip_word("scoped") | self.skip_word("required");
                let inside = self.body("endblock")?;
                self.skip_word(&name);
                Node::Block(inside)
            }
            "generation" => Node::Generation(self.body("endgeneration")?),
            "print" => {
                while *self.peek() != Token::BlockEnd {
                    let value = self.expression()?;
                    body.push(Stmt { line, kind: Node::Print(value) });
                    if *self.peek() != Token::BlockEnd {
                        self.expect_op(",")?;
                    }
                }
                return Ok(None);
            }
            "break" => Node::Break,
            "continue" => Node::Continue,
            "include" | "import" | "from" | "extends" => {
                while !matches!(self.peek(), Token::BlockEnd | Token::End) {
                    self.next();
                }
                Node::Elsewhere(match &*word {
                    "include" => "include",
                    "extends" => "extends",
                    _ => "import",
                })
            }
            _ => fail!("unknown statement `{word}`"),
        }))
    }

    fn for_loop(&mut self) -> Eval<Node> {
        let target = self.target(false)?;
        if !self.skip_word("in") {
            return Err(self.unexpected());
        }
        let items = self.tuple(false)?;
        let test = if self.skip_word("if") { Some(self.expression()?) } else { None };
        let recursive = self.skip_word("recursive");
        let body = self.open_body(&["endfor", "else"])?;
        let otherwise = if self.skip_word("else") {
            self.body("endfor")?
        } else {
            self.next();
            Vec::new()
        };
        let node = For { target, items, test, recursive, body, otherwise };
        Ok(Node::For(Arc::new(node)))
    }

    fn conditional(&mut self) -> Eval<Node> {
        let mut arms = Vec::new();
        loop {
            let test = self.tuple(false)?;
            arms.push((test, self.open_body(&["elif", "else", "endif"])?));
            if self.skip_word("elif") {
                continue;
            }
            let otherwise = if self.skip_word("else") { self.body("endif")? } else { Vec::new() };
            self.skip_word("endif");
            return Ok(Node::If { arms, otherwise });
        }
    }

    fn set(&mut self) -> Eval<Node> {
        let target = self.target(true)?;
        if self.skip_op("=") {
            return Ok(Node::Set(target, self.tuple(true)?));
        }
        let filters = self.filters(false)?;
        Ok(Node::Capture(target, filters, self.body("endset")?))
    }

    fn macro_after(&mut self, name: Arc<str>, end: &str) -> Eval<Arc<Macro>> {
        if *self.peek() != Token::Op("(") {
            return Err(self.unexpected());
        }
        let parameters = self.parameters_if_any()?;
        let start = self.names.len();
        let body = self.body(end)?;
        Ok(self.macro_of(name, parameters, body, start))
    }

    fn macro_of(
        &self,
        name: Arc<str>,
        parameters: Vec<(Arc<str>, Option<Expr>)>,
        body: Block,
        start: usize,
    ) -> Arc<Macro> {
        let reads = |name: &str| self.names[start..].iter().any(|read| **read == *name);
        let (caller, kwargs, varargs) = (reads("caller"), reads("kwargs"), reads("varargs"));
        Arc::new(Macro { name, parameters, body, caller, kwargs, varargs })
    }

    fn parameters_if_any(&mut self) -> Eval<Vec<(Arc<str>, Option<Expr>)>> {
        let mut parameters: Vec<(Arc<str>, Option<Expr>)> = Vec::new();
        if !self.skip_op("(") {
            return Ok(parameters);
        }
        while !self.skip_op(")") {
            if !parameters.is_empty() {
                self.expect_op(",")?;
            }
            let name = self.name()?;
            let default = if self.skip_op("=") { Some(self.expression()?) } else { None };
            if default.is_none() && parameters.last().is_some_and(|(_, default)| default.is_some())
            {
                fail!("parameter `{name}` has no default but stands after one that has");
            }
            parameters.push((name, default));
        }
        Ok(parameters)
    }

    /// What can be assigned to: names, tuples of them, and attributes of a namespace where allowed.
    fn target(&mut self, attributes: bool) -> Eval<Target> {
        let mut targets = Vec::new();
        let mut is_tuple = false;
        loop {
            let ends = match self.peek() {
                Token::BlockEnd | Token::Op("=" | ")") => true,
                Token::Name(name) => &**name == "in" && !targets.is_empty(),
                _ => false,
            };
            if ends {
                break;
            }
            targets.push(if self.skip_op("(") {
                let target = self.deeper(|parser| parser.target(attributes))?;
                self.expect_op(")")?;
                target
            } else {
                let name = self.name()?;
                if matches!(&*name, "true" | "True" | "false" | "False" | "none" | "None" | "loop")
                {
                    fail!("can't assign to `{name}`");
                }
                if attributes && self.skip_op(".") {
                    Target::Attribute(name, self.name()?)
                } else {
                    Target::Name(name)
                }
            });
            if !self.skip_op(",") {
                break;
            }
            is_tuple = true;
        }
        match targets.pop() {
            Some(target) if !is_tuple => Ok(target),
            Some(target) => {
                targets.push(target);
                Ok(Target::Tuple(targets))
            }
            None => Err(self.unexpected()),
        }
    }
}
