//! Parameters by name, in one fixed order, each seen as a flat vector.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::{Gradients, Tensor},
};

/// A parameter with its Hugging Face name.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    /// All its values, in order.
    pub(crate) flat: Tensor<1>,
}

/// All parameters of a module, in a fixed order.
pub(crate) fn parameters<M: Module>(module: &M) -> Vec<Named> {
    #[derive(Default)]
    struct Reader {
        path: Vec<String>,
        found: Vec<Named>,
    }

    impl ModuleVisitor for Reader {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }

        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let tensor = param.val();
            let (name, shape) = (self.path.join("."), tensor.dims().to_vec());
            self.found.push(Named { name, shape, flat: tensor.reshape([-1]) });
        }
    }

    let mut reader = Reader::default();
    module.visit(&mut reader);
    reader.found
}

/// The module with every parameter a leaf of the autodiff tape.
pub(crate) fn on_tape<M: Module>(module: M) -> M {
    struct Taper;

    impl ModuleMapper for Taper {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (id, tensor, mapper) = param.consume();
            Param::from_mapped_value(id, tensor.autodiff().require_grad(), mapper)
        }
    }

    module.map(&mut Taper)
}

/// The gradient of every parameter of a module [on the tape](on_tape), in the order of [`parameters`];
/// `None` where a parameter had no part in the loss.
pub(crate) fn gradients<M: Module>(module: &M, from: &mut Gradients) -> Vec<Option<Tensor<1>>> {
    struct Reader<'g> {
        from: &'g mut Gradients,
        found: Vec<Option<Tensor<1>>>,
    }

    impl ModuleVisitor for Reader<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let gradient = param.val().grad_remove(self.from);
            self.found.push(gradient.map(|gradient| gradient.reshape([-1])));
        }
    }

    let mut reader = Reader { from, found: Vec::new() };
    module.visit(&mut reader);
    reader.found
}

/// Gives every parameter the values that `new` makes of its number (in the order of [`parameters`]),
/// its rank and its present values.
pub(crate) fn update<M: Module>(
    module: M,
    new: &mut dyn FnMut(usize, usize, Tensor<1>) -> Tensor<1>,
) -> M {
    struct Writer<'n> {
        number: usize,
        new: &'n mut dyn FnMut(usize, usize, Tensor<1>) -> Tensor<1>,
    }

    impl ModuleMapper for Writer<'_> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (id, tensor, mapper) = param.consume();
            let shape = tensor.dims();
            let updated = (self.new)(self.number, D, tensor.reshape([-1]));
            self.number += 1;
            Param::from_mapped_value(id, updated.reshape(shape), mapper)
        }
    }

    module.map(&mut Writer { number: 0, new })
}
