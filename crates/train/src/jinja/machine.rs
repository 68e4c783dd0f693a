//! Runs a template: its state, its scopes, its statements.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use super::{
    ast::{Block, Node, Step, Stmt, Target},
    call::{Builtin, Call},
    fault::{Eval, fail},
    iterate,
    meter::{Charge, Meter, Writer},
    show,
    value::{Macro, Namespace, Value},
};

/// How deep expressions, blocks and macros may call each other: what a thread's stack of 2 MB holds, also
/// where nothing is optimised.
const DEEPEST: usize = 200;

/// Whether a block was run to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    Break,
    Continue,
}

/// Names and values of a block, within those around it.
pub(super) struct Scope {
    names: RefCell<Vec<(Arc<str>, Value)>>,
    around: Option<Rc<Scope>>,
}

impl Scope {
    pub(super) fn within(around: &Rc<Scope>) -> Rc<Self> {
        Rc::new(Scope { names: RefCell::default(), around: Some(around.clone()) })
    }

    pub(super) fn set(&self, name: &Arc<str>, value: Value) {
        let mut names = self.names.borrow_mut();
        match names.iter_mut().find(|(other, _)| other == name) {
            Some((_, slot)) => *slot = value,
            None => names.push((name.clone(), value)),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<Value> {
        let mut scope = self;
        loop {
            let names = scope.names.borrow();
            if let Some((_, value)) = names.iter().find(|(other, _)| **other == *name) {
                return Some(value.clone());
            }
            drop(names);
            scope = scope.around.as_deref()?;
        }
    }
}

/// A render that runs.
pub(super) struct Machine<'t> {
    pub(super) meter: Rc<Meter>,
    /// The strings of the template.
    pub(super) texts: &'t [Value],
    /// Seconds since 1970, for `strftime_now`.
    pub(super) now: i64,
    /// Written around what the model writes.
    marks: Option<[char; 2]>,
    root: Rc<Scope>,
    output: Writer,
    depth: usize,
    /// What may hold itself through a macro or a namespace: emptied at the end.
    scopes: Vec<Rc<Scope>>,
    namespaces: Vec<Rc<Namespace>>,
    charge: Charge,
}

impl<'t> Machine<'t> {
    pub(super) fn new(
        meter: Rc<Meter>,
        texts: &'t [Value],
        variables: Vec<(Arc<str>, Value)>,
        marks: Option<[char; 2]>,
        now: i64,
    ) -> Eval<Self> {
        let root = Rc::new(Scope { names: RefCell::new(variables), around: None });
        let (output, charge) = (Writer::new(&meter), meter.hold(0)?);
        let (scopes, namespaces) = (Vec::new(), Vec::new());
        Ok(Machine { meter, texts, now, marks, root, output, depth: 0, scopes, namespaces, charge })
    }

    /// Runs the whole template.
    pub(super) fn run(mut self, body: &Block) -> Eval<String> {
        let root = self.root.clone();
        match self.block(body, &root)? {
            Flow::On => {
                Ok(std::mem::replace(&mut self.output, Writer::new(&self.meter)).into_string())
            }
            Flow::Break | Flow::Continue => fail!("`break` and `continue` belong in a loop"),
        }
    }

    /// What this writes, instead of writing it.
    pub(super) fn capture(&mut self, write: impl FnOnce(&mut Self) -> Eval<()>) -> Eval<String> {
        let outside = std::mem::replace(&mut self.output, Writer::new(&self.meter));
        let done = write(self);
        let written = std::mem::replace(&mut self.output, outside);
        done.map(|()| written.into_string())
    }

    /// One level deeper, unless that is too deep.
    pub(super) fn deeper<T>(&mut self, run: impl FnOnce(&mut Self) -> Eval<T>) -> Eval<T> {
        if self.depth == DEEPEST {
            fail!("it calls itself more than {DEEPEST} deep");
        }
        self.depth += 1;
        let done = run(self);
        self.depth -= 1;
        done
    }

    pub(super) fn keep_namespace(&mut self, namespace: &Rc<Namespace>) {
        self.namespaces.push(namespace.clone());
    }

    pub(super) fn lookup(&self, name: &str, scope: &Scope) -> Value {
        let found = scope.get(name).or_else(|| Builtin::named(name));
        found.unwrap_or_else(|| Value::undefined(format!("'{name}' is undefined")))
    }

    pub(super) fn block(&mut self, block: &[Stmt], scope: &Rc<Scope>) -> Eval<Flow> {
        self.deeper(|machine| {
            for stmt in block {
                machine.meter.spend(1)?;
                let flow =
                    machine.statement(&stmt.kind, scope).map_err(|fault| fault.at(stmt.line))?;
                if flow != Flow::On {
                    return Ok(flow);
                }
            }
            Ok(Flow::On)
        })
    }

    fn statement(&mut self, node: &Node, scope: &Rc<Scope>) -> Eval<Flow> {
        match node {
            Node::Data(text) => self.output.push(text)?,
            Node::Print(value) => {
                let value = self.eval(value, scope)?;
                show::print(&mut self.output, &value)?;
            }
            Node::If { arms, otherwise } => {
                for (test, body) in arms {
                    if self.eval(test, scope)?.truth() {
                        return self.block(body, scope);
                    }
                }
                return self.block(otherwise, scope);
            }
            Node::For(node) => {
                let items = self.eval(&node.items, scope)?;
                return self.run_loop(node, scope, &items, 0);
            }
            Node::Set(target, value) => {
                let value = self.eval(value, scope)?;
                self.assign(target, value, scope)?;
            }
            Node::Capture(target, filters, body) => {
                let value = self.filtered(filters, body, scope)?;
                self.assign(target, value, scope)?;
            }
            Node::Macro(node) => {
                let defined = Macro { node: node.clone(), scope: self.kept(scope)? };
                scope.set(&node.name, Value::Macro(Rc::new(defined)));
            }
            Node::Call(call, body) => self.call_block(call, body, scope)?,
            Node::Filter(filters, body) => {
                let value = self.filtered(filters, body, scope)?;
                show::print(&mut self.output, &value)?;
            }
            Node::With(bindings, body) => {
                let inside = Scope::within(scope);
                for (target, value) in bindings {
                    let value = self.eval(value, scope)?;
                    self.assign(target, value, &inside)?;
                }
                return self.block(body, &inside);
            }
            Node::Block(body) => {
                let root = self.root.clone();
                return self.block(body, &Scope::within(&root));
            }
            Node::Generation(body) => return self.generation(body, scope),
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
            Node::Elsewhere(statement) => {
                fail!("`{statement}` reaches for another template, and there is none")
            }
        }
        Ok(Flow::On)
    }

    /// A scope that a macro holds on to, and that may hold the macro.
    fn kept(&mut self, scope: &Rc<Scope>) -> Eval<Rc<Scope>> {
        if self.scopes.last().is_none_or(|last| !Rc::ptr_eq(last, scope)) {
            self.charge.grow(512)?;
            self.scopes.push(scope.clone());
        }
        Ok(scope.clone())
    }

    fn filtered(&mut self, filters: &[Step], body: &Block, scope: &Rc<Scope>) -> Eval<Value> {
        let inside = Scope::within(scope);
        let text = self.capture(|machine| machine.block(body, &inside).map(drop))?;
        let mut value = self.meter.text(text)?;
        for filter in filters {
            value = self.step(value, filter, &inside)?;
        }
        Ok(value)
    }

    fn call_block(
        &mut self,
        call: &super::ast::Expr,
        body: &Arc<super::ast::Macro>,
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        let super::ast::Expr::Path(start, steps) = call else { return Ok(()) };
        let Some((Step::Call(args), before)) = steps.split_last() else { return Ok(()) };
        let mut called = self.eval(start, scope)?;
        for step in before {
            called = self.step(called, step, scope)?;
        }
        let caller = Macro { node: body.clone(), scope: self.kept(scope)? };
        let Call { positional, mut named } = self.args(args, scope)?;
        named.push(("caller".into(), Value::Macro(Rc::new(caller))));
        let value = self.call(&called, Call { positional, named })?;
        show::print(&mut self.output, &value)
    }

    fn generation(&mut self, body: &Block, scope: &Rc<Scope>) -> Eval<Flow> {
        let Some([open, close]) = self.marks else {
            return self.block(body, &Scope::within(scope));
        };
        self.output.fill(open, 1)?;
        let flow = self.block(body, &Scope::within(scope))?;
        self.output.fill(close, 1)?;
        Ok(flow)
    }

    pub(super) fn assign(&mut self, target: &Target, value: Value, scope: &Rc<Scope>) -> Eval<()> {
        match target {
            Target::Name(name) => scope.set(name, value),
            Target::Attribute(name, attribute) => {
                let Value::Namespace(namespace) = self.lookup(name, scope) else {
                    fail!("cannot assign attribute on non-namespace object");
                };
                namespace.set(attribute, value)?;
            }
            Target::Tuple(targets) => {
                let values = iterate::all(&self.meter, &value)?;
                if values.len() != targets.len() {
                    let (wanted, given) = (targets.len(), values.len());
                    fail!("{wanted} values are needed to unpack, there are {given}");
                }
                for (target, value) in targets.iter().zip(values) {
                    self.assign(target, value, scope)?;
                }
            }
        }
        Ok(())
    }
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        // A scope may hold a macro that holds the scope, a namespace itself.
        for scope in &self.scopes {
            scope.names.take();
        }
        for namespace in &self.namespaces {
            namespace.attributes.take();
        }
        self.root.names.take();
    }
}
