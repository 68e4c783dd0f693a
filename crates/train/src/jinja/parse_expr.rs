//! From tokens to expressions, by Jinja's precedence.

use std::sync::Arc;

use super::{
    super::{
        ast::{Args, Comparison, Expr, Math, Step},
        fault::{Eval, fail},
        lex::Token,
    },
    DEEPEST, Parser,
};

impl Parser {
    pub(super) fn expression(&mut self) -> Eval<Expr> {
        self.deeper(|parser| {
            let mut value = parser.or()?;
            let mut conditions = 0;
            while parser.skip_word("if") {
                conditions += 1;
                if conditions > DEEPEST {
                    fail!("more than {DEEPEST} conditions follow each other");
                }
                let test = parser.or()?;
                let otherwise =
                    if parser.skip_word("else") { Some(parser.expression()?) } else { None };
                value = Expr::If(Box::new((value, test, otherwise)));
            }
            Ok(value)
        })
    }

    /// An expression, or several with commas between. `conditional` says whether `a if b` is one.
    pub(super) fn tuple(&mut self, conditional: bool) -> Eval<Expr> {
        match self.tuple_or_nothing(conditional)? {
            Some(tuple) => Ok(tuple),
            None => Err(self.unexpected()),
        }
    }

    fn tuple_or_nothing(&mut self, conditional: bool) -> Eval<Option<Expr>> {
        let mut items = Vec::new();
        let mut is_tuple = false;
        loop {
            let ends = matches!(self.peek(), Token::VariableEnd | Token::BlockEnd | Token::Op(")"))
                || !items.is_empty() && self.is_word("recursive");
            if ends {
                break;
            }
            items.push(if conditional { self.expression()? } else { self.or()? });
            if !self.skip_op(",") {
                break;
            }
            is_tuple = true;
        }
        Ok(if is_tuple { Some(Expr::Tuple(items)) } else { items.pop() })
    }

    fn or(&mut self) -> Eval<Expr> {
        self.words("or", Parser::and, Expr::Or)
    }

    fn and(&mut self) -> Eval<Expr> {
        self.words("and", Parser::not, Expr::And)
    }

    fn words(
        &mut self,
        word: &str,
        operand: fn(&mut Self) -> Eval<Expr>,
        join: fn(Vec<Expr>) -> Expr,
    ) -> Eval<Expr> {
        let first = operand(self)?;
        if !self.is_word(word) {
            return Ok(first);
        }
        let mut operands = vec![first];
        while self.skip_word(word) {
            operands.push(operand(self)?);
        }
        Ok(join(operands))
    }

    fn not(&mut self) -> Eval<Expr> {
        if self.skip_word("not") {
            return Ok(Expr::Not(Box::new(self.deeper(Parser::not)?)));
        }
        self.compare()
    }

    fn compare(&mut self) -> Eval<Expr> {
        let first = self.sum()?;
        let mut rest = Vec::new();
        loop {
            let comparison = match self.peek() {
                Token::Op("==") => Comparison::Eq,
                Token::Op("!=") => Comparison::Ne,
                Token::Op("<") => Comparison::Lt,
                Token::Op("<=") => Comparison::Le,
                Token::Op(">") => Comparison::Gt,
                Token::Op(">=") => Comparison::Ge,
                Token::Name(name) if &**name == "in" => Comparison::In,
                Token::Name(name) if &**name == "not" => match self.peek_second() {
                    Token::Name(name) if &**name == "in" => Comparison::NotIn,
                    _ => break,
                },
                _ => break,
            };
            self.next();
            if comparison == Comparison::NotIn {
                self.next();
            }
            rest.push((comparison, self.sum()?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Compare(Box::new(first), rest) })
    }

    fn sum(&mut self) -> Eval<Expr> {
        self.math(Parser::concat, |token| match token {
            Token::Op("+") => Some(Math::Add),
            Token::Op("-") => Some(Math::Sub),
            _ => None,
        })
    }

    fn concat(&mut self) -> Eval<Expr> {
        let first = self.product()?;
        if *self.peek() != Token::Op("~") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.skip_op("~") {
            parts.push(self.product()?);
        }
        Ok(Expr::Concat(parts))
    }

    fn product(&mut self) -> Eval<Expr> {
        self.math(Parser::power, |token| match token {
            Token::Op("*") => Some(Math::Mul),
            Token::Op("/") => Some(Math::Div),
            Token::Op("//") => Some(Math::FloorDiv),
            Token::Op("%") => Some(Math::Mod),
            _ => None,
        })
    }

    fn power(&mut self) -> Eval<Expr> {
        // From left to right, as Jinja has it and Python has not.
        self.math(
            |parser| parser.unary(true),
            |token| matches!(token, Token::Op("**")).then_some(Math::Pow),
        )
    }

    fn math(
        &mut self,
        operand: fn(&mut Self) -> Eval<Expr>,
        operator: fn(&Token) -> Option<Math>,
    ) -> Eval<Expr> {
        let first = operand(self)?;
        let mut rest = Vec::new();
        while let Some(math) = operator(self.peek()) {
            self.next();
            rest.push((math, operand(self)?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Math(Box::new(first), rest) })
    }

    fn unary(&mut self, with_filters: bool) -> Eval<Expr> {
        let value = if self.skip_op("-") {
            Expr::Negative(Box::new(self.deeper(|parser| parser.unary(false))?))
        } else if self.skip_op("+") {
            Expr::Positive(Box::new(self.deeper(|parser| parser.unary(false))?))
        } else {
            self.primary()?
        };
        let mut steps = self.postfix()?;
        if with_filters {
            self.filters_and_tests(&mut steps)?;
        }
        Ok(path(value, steps))
    }

    fn primary(&mut self) -> Eval<Expr> {
        let token = self.peek().clone();
        match token {
            Token::Name(name) => {
                self.next();
                Ok(match &*name {
                    "true" | "True" => Expr::Bool(true),
                    "false" | "False" => Expr::Bool(false),
                    "none" | "None" => Expr::None,
                    _ => {
                        self.names.push(name.clone());
                        Expr::Name(name)
                    }
                })
            }
            Token::Text(mut text) => {
                self.next();
                while let Token::Text(more) = self.peek() {
                    text.push_str(more);
                    self.next();
                }
                self.texts.push(text);
                Ok(Expr::Text(self.texts.len() - 1))
            }
            Token::Int(int) => {
                self.next();
                Ok(Expr::Int(int))
            }
            Token::Float(float) => {
                self.next();
                Ok(Expr::Float(float))
            }
            Token::Op("(") => {
                self.next();
                let inside = self.deeper(|parser| parser.tuple_or_nothing(true))?;
                self.expect_op(")")?;
                Ok(inside.unwrap_or(Expr::Tuple(Vec::new())))
            }
            Token::Op("[") => {
                self.next();
                let mut items = Vec::new();
                while !self.skip_op("]") {
                    items.push(self.expression()?);
                    if *self.peek() != Token::Op("]") {
                        self.expect_op(",")?;
                    }
                }
                Ok(Expr::List(items))
            }
            Token::Op("{") => {
                self.next();
                let mut entries = Vec::new();
                while !self.skip_op("}") {
                    let key = self.expression()?;
                    self.expect_op(":")?;
                    entries.push((key, self.expression()?));
                    if *self.peek() != Token::Op("}") {
                        self.expect_op(",")?;
                    }
                }
                Ok(Expr::Dict(entries))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Attributes, items and calls.
    fn postfix(&mut self) -> Eval<Vec<Step>> {
        let mut steps = Vec::new();
        loop {
            if self.skip_op(".") {
                steps.push(match self.next() {
                    Token::Name(name) => Step::Attribute(name),
                    Token::Int(int) => Step::Item(Expr::Int(int)),
                    _ => fail!("a name or a number is expected after `.`"),
                });
            } else if self.skip_op("[") {
                steps.push(self.subscript()?);
            } else if *self.peek() == Token::Op("(") {
                steps.push(Step::Call(self.args()?));
            } else {
                return Ok(steps);
            }
        }
    }

    fn subscript(&mut self) -> Eval<Step> {
        let mut bounds = [None, None, None];
        let mut is_slice = false;
        for (place, bound) in bounds.iter_mut().enumerate() {
            if !matches!(self.peek(), Token::Op(":" | "]" | ",")) {
                *bound = Some(self.expression()?);
            }
            if place == 2 || !self.skip_op(":") {
                break;
            }
            is_slice = true;
        }
        if is_slice {
            self.expect_op("]")?;
            return Ok(Step::Slice(Box::new(bounds)));
        }
        let [Some(first), ..] = bounds else { return Err(self.unexpected()) };
        if self.skip_op("]") {
            return Ok(Step::Item(first));
        }
        let mut items = vec![first];
        while !self.skip_op("]") {
            self.expect_op(",")?;
            items.push(self.expression()?);
        }
        Ok(Step::Item(Expr::Tuple(items)))
    }

    fn filters_and_tests(&mut self, steps: &mut Vec<Step>) -> Eval<()> {
        loop {
            if *self.peek() == Token::Op("|") {
                steps.append(&mut self.filters(false)?);
            } else if self.is_word("is") {
                steps.push(self.test()?);
            } else if *self.peek() == Token::Op("(") {
                steps.push(Step::Call(self.args()?));
            } else {
                return Ok(());
            }
        }
    }

    /// `|a|b(c)`; with `inline` the first has no bar.
    pub(super) fn filters(&mut self, inline: bool) -> Eval<Vec<Step>> {
        let mut steps = Vec::new();
        while (inline && steps.is_empty()) || self.skip_op("|") {
            let name = self.dotted()?;
            let args = if *self.peek() == Token::Op("(") { self.args()? } else { Args::default() };
            steps.push(Step::Filter(name, args));
        }
        Ok(steps)
    }

    fn dotted(&mut self) -> Eval<Arc<str>> {
        let mut name = self.name()?;
        while self.skip_op(".") {
            name = format!("{name}.{}", self.name()?).into();
        }
        Ok(name)
    }

    fn test(&mut self) -> Eval<Step> {
        self.next();
        let negated = self.skip_word("not");
        let name = self.dotted()?;
        let takes_one = match self.peek() {
            Token::Name(word) => !matches!(&**word, "else" | "or" | "and"),
            Token::Text(_) | Token::Int(_) | Token::Float(_) | Token::Op("[" | "{") => true,
            _ => false,
        };
        let args = if *self.peek() == Token::Op("(") {
            self.args()?
        } else if takes_one {
            if self.is_word("is") {
                fail!("tests cannot be chained with `is`");
            }
            let value = self.primary()?;
            let steps = self.postfix()?;
            Args { positional: vec![path(value, steps)], ..Args::default() }
        } else {
            Args::default()
        };
        Ok(Step::Test { name, args, negated })
    }

    fn args(&mut self) -> Eval<Args> {
        self.expect_op("(")?;
        let mut args = Args::default();
        while !self.skip_op(")") {
            let dynamic = args.rest.is_some() || args.rest_named.is_some();
            if self.skip_op("*") {
                if dynamic {
                    fail!("the arguments of a call are out of order");
                }
                args.rest = Some(Box::new(self.expression()?));
            } else if self.skip_op("**") {
                if args.rest_named.is_some() {
                    fail!("the arguments of a call are out of order");
                }
                args.rest_named = Some(Box::new(self.expression()?));
            } else if matches!(self.peek(), Token::Name(_)) && *self.peek_second() == Token::Op("=")
            {
                if args.rest_named.is_some() {
                    fail!("the arguments of a call are out of order");
                }
                let name = self.name()?;
                self.next();
                let value = self.expression()?;
                if args.named.iter().any(|(other, _)| *other == name) {
                    fail!("the argument `{name}` is given twice");
                }
                args.named.push((name, value));
            } else {
                if dynamic || !args.named.is_empty() {
                    fail!("the arguments of a call are out of order");
                }
                args.positional.push(self.expression()?);
            }
            if *self.peek() != Token::Op(")") {
                self.expect_op(",")?;
            }
        }
        Ok(args)
    }
}

/// A value with what follows it.
fn path(value: Expr, mut steps: Vec<Step>) -> Expr {
    match value {
        value if steps.is_empty() => value,
        // `(a.b).c` is `a.b.c`.
        Expr::Path(start, mut before) => {
            before.append(&mut steps);
            Expr::Path(start, before)
        }
        value => Expr::Path(Box::new(value), steps),
    }
}
