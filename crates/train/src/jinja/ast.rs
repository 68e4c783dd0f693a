//! A template as a tree. Chains of operators and of attributes are flat, so that its depth is that of
//! its brackets and blocks, which the parser bounds.

use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Stmt {
    pub(super) line: u32,
    pub(super) kind: Node,
}

pub(super) type Block = Vec<Stmt>;

/// Whether a block says anywhere what the model writes.
pub(super) fn marks_generation(block: &Block) -> bool {
    block.iter().any(|stmt| match &stmt.kind {
        Node::Generation(_) => true,
        Node::If { arms, otherwise } => {
            arms.iter().any(|(_, body)| marks_generation(body)) || marks_generation(otherwise)
        }
        Node::For(node) => marks_generation(&node.body) || marks_generation(&node.otherwise),
        Node::Macro(node) | Node::Call(_, node) => marks_generation(&node.body),
        Node::Capture(_, _, body) | Node::Filter(_, body) | Node::With(_, body) => {
            marks_generation(body)
        }
        Node::Block(body) => marks_generation(body),
        Node::Data(_)
        | Node::Print(_)
        | Node::Set(..)
        | Node::Break
        | Node::Continue
        | Node::Elsewhere(_) => false,
    })
}

#[derive(Debug)]
pub(super) enum Node {
    Data(Arc<str>),
    Print(Expr),
    If {
        arms: Vec<(Expr, Block)>,
        otherwise: Block,
    },
    For(Arc<For>),
    Set(Target, Expr),
    /// `{% set x %}…{% endset %}`, with filters.
    Capture(Target, Vec<Step>, Block),
    Macro(Arc<Macro>),
    /// `{% call f() %}…{% endcall %}`: the call, and what `caller` is.
    Call(Expr, Arc<Macro>),
    Filter(Vec<Step>, Block),
    With(Vec<(Target, Expr)>, Block),
    /// `{% block x %}`, which sees only what is set at the top.
    Block(Block),
    /// `{% generation %}…{% endgeneration %}`: what the model writes.
    Generation(Block),
    Break,
    Continue,
    /// A statement that reaches for another template.
    Elsewhere(&'static str),
}

#[derive(Debug)]
pub(super) struct For {
    pub(super) target: Target,
    pub(super) items: Expr,
    pub(super) test: Option<Expr>,
    pub(super) recursive: bool,
    pub(super) body: Block,
    pub(super) otherwise: Block,
}

#[derive(Debug)]
pub(super) struct Macro {
    pub(super) name: Arc<str>,
    pub(super) parameters: Vec<(Arc<str>, Option<Expr>)>,
    pub(super) body: Block,
    /// Whether the body speaks of `caller`, `kwargs`, `varargs`.
    pub(super) caller: bool,
    pub(super) kwargs: bool,
    pub(super) varargs: bool,
}

#[derive(Debug)]
pub(super) enum Target {
    Name(Arc<str>),
    /// An attribute of a namespace.
    Attribute(Arc<str>, Arc<str>),
    Tuple(Vec<Target>),
}

#[derive(Debug)]
pub(super) enum Expr {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    /// The number of a string of the template.
    Text(usize),
    Name(Arc<str>),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    Not(Box<Expr>),
    Negative(Box<Expr>),
    Positive(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    /// `a ~ b ~ c`
    Concat(Vec<Expr>),
    /// `a + b - c`, from left to right.
    Math(Box<Expr>, Vec<(Math, Expr)>),
    /// `a < b <= c`, as Python reads it.
    Compare(Box<Expr>, Vec<(Comparison, Expr)>),
    /// `a if test else b`
    If(Box<(Expr, Expr, Option<Expr>)>),
    /// `a.b[c](d)|e is f`
    Path(Box<Expr>, Vec<Step>),
}

#[derive(Debug)]
pub(super) enum Step {
    Attribute(Arc<str>),
    Item(Expr),
    Slice(Box<[Option<Expr>; 3]>),
    Call(Args),
    Filter(Arc<str>, Args),
    Test { name: Arc<str>, args: Args, negated: bool },
}

#[derive(Debug, Default)]
pub(super) struct Args {
    pub(super) positional: Vec<Expr>,
    pub(super) named: Vec<(Arc<str>, Expr)>,
    /// `*args`
    pub(super) rest: Option<Box<Expr>>,
    /// `**kwargs`
    pub(super) rest_named: Option<Box<Expr>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Math {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    NotIn,
}

impl Math {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Math::Add => "+",
            Math::Sub => "-",
            Math::Mul => "*",
            Math::Div => "/",
            Math::FloorDiv => "//",
            Math::Mod => "%",
            Math::Pow => "** or pow()",
        }
    }
}

impl Comparison {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Comparison::Eq => "==",
            Comparison::Ne => "!=",
            Comparison::Lt => "<",
            Comparison::Le => "<=",
            Comparison::Gt => ">",
            Comparison::Ge => ">=",
            Comparison::In => "in",
            Comparison::NotIn => "not in",
        }
    }
}
