//! `for` loops and what `loop` tells of them.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
};

use super::{
    ast::For,
    fault::{Eval, fail},
    iterate,
    machine::{Flow, Machine, Scope},
    meter::Charge,
    value::Value,
};

/// A loop that runs.
pub(super) struct Loop {
    /// Items that are still to come, the next one last.
    rest: RefCell<Vec<Value>>,
    /// The item after this one, if somebody asked.
    ahead: RefCell<Option<Option<Value>>>,
    /// What must hold of an item, and where.
    test: RefCell<Option<(Arc<For>, Rc<Scope>)>>,
    length: Cell<Option<usize>>,
    index: Cell<usize>,
    before: RefCell<Value>,
    current: RefCell<Value>,
    changed: RefCell<Option<Value>>,
    pub(super) depth: usize,
    /// What a recursive loop runs again, and where.
    pub(super) recursion: Option<(Arc<For>, Rc<Scope>)>,
    _charge: Charge,
}

impl Loop {
    /// The number of this round, from 1, and how many there are; with a test, at the most.
    pub(super) fn progress(&self) -> (usize, usize) {
        let ahead = usize::from(matches!(*self.ahead.borrow(), Some(Some(_))));
        let index = self.index.get();
        (index, self.length.get().unwrap_or(index + ahead + self.rest.borrow().len()))
    }

    /// Lets go of all items: a loop that is over is looked at by nobody, and one that held another,
    /// which held another, would be dropped too deep.
    fn forget(&self) {
        self.rest.take();
        self.ahead.take();
        self.before.replace(Value::None);
        self.current.replace(Value::None);
        self.changed.take();
    }
}

impl Machine<'_> {
    /// Runs a loop over these items.
    pub(super) fn run_loop(
        &mut self,
        node: &Arc<For>,
        scope: &Rc<Scope>,
        items: &Value,
        depth: usize,
    ) -> Eval<Flow> {
        let sized = items.len().filter(|_| node.test.is_none());
        let mut rest = iterate::all(&self.meter, items)?;
        rest.reverse();
        let charge = self.meter.hold(rest.len() * size_of::<Value>() + size_of::<Loop>())?;
        let over = Rc::new(Loop {
            rest: RefCell::new(rest),
            ahead: RefCell::new(None),
            test: RefCell::new(node.test.is_some().then(|| (node.clone(), scope.clone()))),
            length: Cell::new(sized),
            index: Cell::new(0),
            before: RefCell::new(Value::None),
            current: RefCell::new(Value::None),
            changed: RefCell::new(None),
            depth,
            recursion: node.recursive.then(|| (node.clone(), scope.clone())),
            _charge: charge,
        });
        let name: Arc<str> = "loop".into();
        // As in Jinja, a body that was left early every time counts as never run.
        let mut completed = false;
        while let Some(item) = self.next_item(&over)? {
            self.meter.spend(1)?;
            over.index.set(over.index.get() + 1);
            let last = over.current.replace(item.clone());
            over.before.replace(last);
            let inside = Scope::within(scope);
            self.assign(&node.target, item, &inside)?;
            inside.set(&name, Value::Loop(over.clone()));
            match self.block(&node.body, &inside)? {
                Flow::On => completed = true,
                Flow::Continue => {}
                Flow::Break => break,
            }
        }
        over.forget();
        if !completed && !node.otherwise.is_empty() {
            return self.block(&node.otherwise, &Scope::within(scope));
        }
        Ok(Flow::On)
    }

    fn next_item(&mut self, over: &Rc<Loop>) -> Eval<Option<Value>> {
        let ahead = over.ahead.borrow_mut().take();
        match ahead {
            Some(item) => Ok(item),
            None => self.fetch(over),
        }
    }

    /// The next item that passes the test.
    fn fetch(&mut self, over: &Rc<Loop>) -> Eval<Option<Value>> {
        loop {
            let Some(item) = over.rest.borrow_mut().pop() else { return Ok(None) };
            let Some((node, scope)) = over.test.borrow().clone() else { return Ok(Some(item)) };
            self.meter.spend(1)?;
            let inside = Scope::within(&scope);
            self.assign(&node.target, item.clone(), &inside)?;
            let Some(test) = &node.test else { return Ok(Some(item)) };
            if self.eval(test, &inside)?.truth() {
                return Ok(Some(item));
            }
        }
    }

    fn peek(&mut self, over: &Rc<Loop>) -> Eval<Option<Value>> {
        if over.ahead.borrow().is_none() {
            let item = self.fetch(over)?;
            over.ahead.replace(Some(item));
        }
        Ok(over.ahead.borrow().clone().flatten())
    }

    fn length(&mut self, over: &Rc<Loop>) -> Eval<usize> {
        if let Some(length) = over.length.get() {
            return Ok(length);
        }
        // Everything that is left has to be looked at.
        let ahead = self.peek(over)?;
        let mut rest = Vec::new();
        while let Some(item) = self.fetch(over)? {
            rest.push(item);
        }
        let length = over.index.get() + usize::from(ahead.is_some()) + rest.len();
        rest.reverse();
        over.rest.replace(rest);
        // What passed the test is not tested again.
        over.test.replace(None);
        over.length.set(Some(length));
        Ok(length)
    }

    /// An attribute of `loop`.
    pub(super) fn loop_attribute(&mut self, over: &Rc<Loop>, name: &str) -> Eval<Option<Value>> {
        let int = |number: usize| Value::Int(number as i128);
        let index = over.index.get();
        Ok(Some(match name {
            "index" => int(index),
            "index0" => Value::Int(index as i128 - 1),
            "first" => Value::Bool(index == 1),
            "last" => Value::Bool(self.peek(over)?.is_none()),
            "length" => int(self.length(over)?),
            "revindex" => Value::Int(self.length(over)? as i128 - index as i128 + 1),
            "revindex0" => Value::Int(self.length(over)? as i128 - index as i128),
            "depth" => int(over.depth + 1),
            "depth0" => int(over.depth),
            "previtem" if index == 1 => Value::undefined("there is no previous item"),
            "previtem" => over.before.borrow().clone(),
            "nextitem" => match self.peek(over)? {
                Some(item) => item,
                None => Value::undefined("there is no next item"),
            },
            _ => return Ok(None),
        }))
    }

    /// `loop.cycle(…)`: the argument whose turn it is.
    pub(super) fn cycle(over: &Loop, items: &[Value]) -> Eval<Value> {
        if items.is_empty() {
            fail!("no items for cycling given");
        }
        Ok(items[(over.index.get() - 1) % items.len()].clone())
    }

    /// `loop.changed(…)`: whether the arguments are others than last time.
    pub(super) fn changed(&mut self, over: &Loop, values: Vec<Value>) -> Eval<bool> {
        let values = self.meter.tuple(values)?;
        let before = over.changed.borrow().clone();
        let changed = match &before {
            Some(before) => !super::compare::equal(&self.meter, before, &values)?,
            None => true,
        };
        over.changed.replace(Some(values));
        Ok(changed)
    }
}
