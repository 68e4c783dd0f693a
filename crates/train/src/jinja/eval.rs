//! Evaluates expressions.

use std::rc::Rc;

use super::{
    ast::{Expr, Step},
    attribute, checks, compare,
    fault::Eval,
    filters, index,
    machine::{Machine, Scope},
    math,
    value::Value,
};

impl Machine<'_> {
    pub(super) fn eval(&mut self, expr: &Expr, scope: &Rc<Scope>) -> Eval<Value> {
        self.meter.spend(1)?;
        match expr {
            Expr::None => Ok(Value::None),
            Expr::Bool(value) => Ok(Value::Bool(*value)),
            Expr::Int(int) => Ok(Value::Int(*int)),
            Expr::Float(float) => Ok(Value::Float(*float)),
            Expr::Text(number) => Ok(self.texts[*number].clone()),
            Expr::Name(name) => Ok(self.lookup(name, scope)),
            composite => self.deeper(|machine| machine.composite(composite, scope)),
        }
    }

    fn composite(&mut self, expr: &Expr, scope: &Rc<Scope>) -> Eval<Value> {
        match expr {
            Expr::List(items) => {
                let items = self.each(items, scope)?;
                self.meter.list(items)
            }
            Expr::Tuple(items) => {
                let items = self.each(items, scope)?;
                self.meter.tuple(items)
            }
            Expr::Dict(pairs) => {
                let mut entries = Vec::with_capacity(pairs.len());
                for (key, value) in pairs {
                    let (key, value) = (self.eval(key, scope)?, self.eval(value, scope)?);
                    self.insert(&mut entries, key, value)?;
                }
                self.meter.dict(entries)
            }
            Expr::Not(value) => Ok(Value::Bool(!self.eval(value, scope)?.truth())),
            Expr::Negative(value) => math::signed(&self.eval(value, scope)?, true),
            Expr::Positive(value) => math::signed(&self.eval(value, scope)?, false),
            Expr::And(operands) => self.decide(operands, scope, false),
            Expr::Or(operands) => self.decide(operands, scope, true),
            Expr::Concat(parts) => {
                let parts = self.each(parts, scope)?;
                math::concat(&self.meter, &parts)
            }
            Expr::Math(first, rest) => {
                let mut value = self.eval(first, scope)?;
                for (op, operand) in rest {
                    let operand = self.eval(operand, scope)?;
                    value = math::apply(&self.meter, *op, &value, &operand)?;
                }
                Ok(value)
            }
            Expr::Compare(first, rest) => {
                let mut left = self.eval(first, scope)?;
                for (comparison, right) in rest {
                    let right = self.eval(right, scope)?;
                    if !compare::holds(&self.meter, *comparison, &left, &right)? {
                        return Ok(Value::Bool(false));
                    }
                    left = right;
                }
                Ok(Value::Bool(true))
            }
            Expr::If(parts) => {
                let (value, test, otherwise) = &**parts;
                if self.eval(test, scope)?.truth() {
                    return self.eval(value, scope);
                }
                match otherwise {
                    Some(otherwise) => self.eval(otherwise, scope),
                    None => Ok(Value::undefined(
                        "the inline if-expression evaluated to false and no else section was defined.",
                    )),
                }
            }
            Expr::Path(start, steps) => {
                let mut value = self.eval(start, scope)?;
                for step in steps {
                    self.meter.spend(1)?;
                    value = self.step(value, step, scope)?;
                }
                Ok(value)
            }
            simple => self.eval(simple, scope),
        }
    }

    fn each(&mut self, exprs: &[Expr], scope: &Rc<Scope>) -> Eval<Vec<Value>> {
        exprs.iter().map(|expr| self.eval(expr, scope)).collect()
    }

    /// The first operand whose truth is `wanted`, or the last one.
    fn decide(&mut self, operands: &[Expr], scope: &Rc<Scope>, wanted: bool) -> Eval<Value> {
        let mut value = Value::None;
        for operand in operands {
            value = self.eval(operand, scope)?;
            if value.truth() == wanted {
                break;
            }
        }
        Ok(value)
    }

    /// What follows a value: an attribute, an item, a call, a filter, a test.
    pub(super) fn step(&mut self, value: Value, step: &Step, scope: &Rc<Scope>) -> Eval<Value> {
        match step {
            Step::Attribute(name) => attribute::get(self, &value, name),
            Step::Item(key) => {
                let key = self.eval(key, scope)?;
                index::item(&self.meter, &value, &key)
            }
            Step::Slice(bounds) => {
                let mut evaluated = [Value::None, Value::None, Value::None];
                for (slot, bound) in evaluated.iter_mut().zip(bounds.iter()) {
                    if let Some(bound) = bound {
                        *slot = self.eval(bound, scope)?;
                    }
                }
                index::slice(&self.meter, &value, evaluated)
            }
            Step::Call(args) => {
                let call = self.args(args, scope)?;
                self.call(&value, call)
            }
            Step::Filter(name, args) => {
                let call = self.args(args, scope)?;
                filters::apply(self, name, value, call)
            }
            Step::Test { name, args, negated } => {
                let call = self.args(args, scope)?;
                Ok(Value::Bool(checks::test(self, name, &value, call)? != *negated))
            }
        }
    }
}
