//! Parameters by name, in one fixed order, each seen as a flat vector.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::{DType, Gradients, Tensor},
};

/// A parameter with its Hugging Face name.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    /// All its values, in order.
    pub(crate) flat: Tensor<1>,
}

/// Which parameters are trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trained {
    /// All of them.
    All,
    /// An adapter's factors.
    Factors,
}

impl Trained {
    fn has(self, path: &Path) -> bool {
        self == Trained::All || path.within_factors()
    }
}

/// Where a visitor stands.
#[derive(Default)]
struct Path(Vec<String>);

impl Path {
    fn within_factors(&self) -> bool {
        self.0.iter().any(|part| part == "lora")
    }
}

/// How a visitor with a field `path` keeps it.
macro_rules! follow_path {
    () => {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.0.push(name.to_owned());
        }

        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.0.pop();
        }
    };
}

/// The parameters of a module that are trained, in a fixed order.
pub(crate) fn parameters<M: Module>(module: &M, trained: Trained) -> Vec<Named> {
    struct Reader {
        path: Path,
        trained: Trained,
        found: Vec<Named>,
    }

    impl ModuleVisitor for Reader {
        follow_path!();

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if self.trained.has(&self.path) {
                let tensor = param.val();
                let (name, shape) = (self.path.0.join("."), tensor.dims().to_vec());
                self.found.push(Named { name, shape, flat: tensor.reshape([-1]) });
            }
        }
    }

    let mut reader = Reader { path: Path::default(), trained, found: Vec::new() };
    module.visit(&mut reader);
    reader.found
}

/// The module with its trained parameters as leaves of the autodiff tape, the others as constants.
pub(crate) fn on_tape<M: Module>(module: M, trained: Trained) -> M {
    struct Taper {
        path: Path,
        trained: Trained,
    }

    impl ModuleMapper for Taper {
        follow_path!();

        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (id, tensor, mapper) = param.consume();
            let tensor = tensor.autodiff();
            let learns = self.trained.has(&self.path);
            let tensor = if learns { tensor.require_grad() } else { tensor };
            Param::from_mapped_value(id, tensor, mapper)
        }
    }

    module.map(&mut Taper { path: Path::default(), trained })
}

/// The gradient of every trained parameter of a module [on the tape](on_tape), in f32 and in the order
/// of [`parameters`]; `None` where a parameter had no part in the loss.
pub(crate) fn gradients<M: Module>(
    module: &M,
    trained: Trained,
    from: &mut Gradients,
) -> Vec<Option<Tensor<1>>> {
    struct Reader<'g> {
        path: Path,
        trained: Trained,
        from: &'g mut Gradients,
        found: Vec<Option<Tensor<1>>>,
    }

    impl ModuleVisitor for Reader<'_> {
        follow_path!();

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if self.trained.has(&self.path) {
                let gradient = param.val().grad_remove(self.from);
                let flat = gradient.map(|gradient| gradient.reshape([-1]).cast(DType::F32));
                self.found.push(flat);
            }
        }
    }

    let mut reader = Reader { path: Path::default(), trained, from, found: Vec::new() };
    module.visit(&mut reader);
    reader.found
}

/// Gives every trained parameter the values that `new` makes of its number (in the order of
/// [`parameters`]), its rank and its present values.
pub(crate) fn update<M: Module>(
    module: M,
    trained: Trained,
    new: &mut dyn FnMut(usize, usize, Tensor<1>) -> Tensor<1>,
) -> M {
    struct Writer<'n> {
        path: Path,
        trained: Trained,
        number: usize,
        new: &'n mut dyn FnMut(usize, usize, Tensor<1>) -> Tensor<1>,
    }

    impl ModuleMapper for Writer<'_> {
        follow_path!();

        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            if !self.trained.has(&self.path) {
                return param;
            }
            let (id, tensor, mapper) = param.consume();
            let shape = tensor.dims();
            let updated = (self.new)(self.number, D, tensor.reshape([-1]));
            self.number += 1;
            Param::from_mapped_value(id, updated.reshape(shape), mapper)
        }
    }

    module.map(&mut Writer { path: Path::default(), trained, number: 0, new })
}

/// The module with its parameters in a precision. An adapter's factors stay as they are; their forward
/// pass takes on the precision of what it is given.
pub(crate) fn cast<M: Module>(module: M, dtype: DType) -> M {
    struct Caster {
        path: Path,
        dtype: DType,
    }

    impl ModuleMapper for Caster {
        follow_path!();

        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            if self.path.within_factors() {
                return param;
            }
            let (id, tensor, mapper) = param.consume();
            Param::from_mapped_value(id, tensor.cast(self.dtype), mapper)
        }
    }

    module.map(&mut Caster { path: Path::default(), dtype })
}
