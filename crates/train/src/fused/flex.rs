//! The operations on burn's pure Rust backend.

use burn::{
    backend::{
        Flex,
        flex::{FlexTensor, Layout},
        ops::FloatTensorOps,
    },
    tensor::{Bytes, DType, Shape},
};

use super::{
    Fused, Onward, Sight, Update, adamw,
    attention::rows::{Inputs, Sizes},
    cross_entropy, few, rms_norm, swiglu,
};

/// Rows and columns up to which `gemm` sums [`SUM`] numbers at a time. With more of either it goes by the processor's
/// caches, so that of a product with as few columns a sum would depend on the number of rows.
const NARROW: usize = 64;
/// Numbers that are summed at a time, before they are added to those before them.
const SUM: usize = 512;

impl Fused for Flex {
    fn project(x: FlexTensor, weight: FlexTensor) -> FlexTensor {
        let [rows, width] = [x.layout().shape()[0], x.layout().shape()[1]];
        let out = weight.layout().shape()[0];
        if rows <= few::FEW {
            let [x, weight] = [x, weight].map(dense);
            return tensor(few::project(values(&x), values(&weight), width), &[rows, out]);
        }
        let product = |from: usize, numbers: usize| {
            let [x, weight] = [&x, &weight].map(|matrix| matrix.narrow(1, from, numbers));
            Flex::float_matmul(x, Flex::float_transpose(weight))
        };
        if out > NARROW || width <= SUM {
            return product(0, width);
        }
        // Divided here, the sum of a row is the same whatever other rows there are.
        let parts = (SUM..width).step_by(SUM);
        parts.fold(product(0, SUM), |sum, from| {
            Flex::float_add(sum, product(from, SUM.min(width - from)))
        })
    }

    fn rms_norm(x: FlexTensor, weight: FlexTensor, eps: f64) -> FlexTensor {
        let [x, weight] = [x, weight].map(dense);
        tensor(rms_norm::rows::forward(values(&x), values(&weight), eps as f32), &shape(&x))
    }

    fn rms_norm_backward(
        grad: FlexTensor,
        x: FlexTensor,
        weight: FlexTensor,
        eps: f64,
    ) -> (FlexTensor, FlexTensor) {
        let [grad, x, weight] = [grad, x, weight].map(dense);
        let (of_x, of_weight) =
            rms_norm::rows::backward(values(&grad), values(&x), values(&weight), eps as f32);
        (tensor(of_x, &shape(&x)), tensor(of_weight, &shape(&weight)))
    }

    fn swiglu(gate: FlexTensor, up: FlexTensor) -> FlexTensor {
        let [gate, up] = [gate, up].map(dense);
        tensor(swiglu::rows::forward(values(&gate), values(&up)), &shape(&gate))
    }

    fn swiglu_backward(
        grad: FlexTensor,
        gate: FlexTensor,
        up: FlexTensor,
    ) -> (FlexTensor, FlexTensor) {
        let [grad, gate, up] = [grad, gate, up].map(dense);
        let (of_gate, of_up) = swiglu::rows::backward(values(&grad), values(&gate), values(&up));
        (tensor(of_gate, &shape(&gate)), tensor(of_up, &shape(&up)))
    }

    fn attend(
        q: FlexTensor,
        k: FlexTensor,
        v: FlexTensor,
        cos: FlexTensor,
        sin: FlexTensor,
        sight: Sight,
    ) -> (FlexTensor, FlexTensor) {
        let [q, k, v, cos, sin] = [q, k, v, cos, sin].map(dense);
        let sizes = sizes(&q, &k);
        let (out, log_sums) =
            super::attention::rows::forward(inputs([&q, &k, &v, &cos, &sin]), sizes, &sight);
        (tensor(out, &shape(&q)), tensor(log_sums, &[sizes.batch, sizes.heads, sizes.time]))
    }

    fn attend_backward(
        grad: FlexTensor,
        q: FlexTensor,
        k: FlexTensor,
        v: FlexTensor,
        cos: FlexTensor,
        sin: FlexTensor,
        out: FlexTensor,
        log_sums: FlexTensor,
        sight: Sight,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let [q, k, v, cos, sin] = [q, k, v, cos, sin].map(dense);
        let [grad, out, log_sums] = [grad, out, log_sums].map(dense);
        let [of_q, of_k, of_v] = super::attention::rows::backward(
            values(&grad),
            inputs([&q, &k, &v, &cos, &sin]),
            (values(&out), values(&log_sums)),
            sizes(&q, &k),
            &sight,
        );
        (tensor(of_q, &shape(&q)), tensor(of_k, &shape(&k)), tensor(of_v, &shape(&v)))
    }

    fn read_on(
        q: FlexTensor,
        k: FlexTensor,
        v: FlexTensor,
        cos: FlexTensor,
        sin: FlexTensor,
        held: FlexTensor,
        onward: Onward,
    ) -> (FlexTensor, FlexTensor) {
        let [q, k, v, cos, sin] = [q, k, v, cos, sin].map(dense);
        let mut held = whole(held);
        let room = held.layout().shape()[2];
        let inputs = inputs([&q, &k, &v, &cos, &sin]);
        let out = super::attention::onward::read(
            inputs,
            sizes(&q, &k),
            (held.storage_mut(), room),
            &onward,
        );
        (tensor(out, &shape(&q)), held)
    }

    fn cross_entropy(
        logits: FlexTensor,
        targets: Vec<i32>,
        weights: Vec<f32>,
        share: f32,
    ) -> (FlexTensor, FlexTensor) {
        let mut logits = whole(logits);
        let storage = logits.storage_mut::<f32>();
        let losses = cross_entropy::rows::replace(storage, &targets, &weights, share);
        let rows = losses.len();
        (logits, tensor(losses, &[rows]))
    }

    fn square_sum(x: FlexTensor) -> FlexTensor {
        tensor(vec![adamw::rows::square_sum(values(&dense(x)))], &[1])
    }

    fn adamw(
        values: FlexTensor,
        gradient: FlexTensor,
        mean: FlexTensor,
        square: FlexTensor,
        update: Update,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let [mut values, mut mean, mut square] = [values, mean, square].map(whole);
        let gradient = dense(gradient);
        adamw::rows::update(
            values.storage_mut(),
            self::values(&gradient),
            mean.storage_mut(),
            square.storage_mut(),
            update,
        );
        (values, mean, square)
    }
}

/// The tensor, its values one after the other.
fn dense(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() }
}

/// The same, and nothing else in its memory. What nobody else holds stays where it is.
fn whole(tensor: FlexTensor) -> FlexTensor {
    let alone = tensor.storage::<f32>().len() == tensor.layout().num_elements();
    if alone && tensor.is_contiguous() { tensor } else { tensor.to_contiguous() }
}

fn values(dense: &FlexTensor) -> &[f32] {
    let start = dense.layout().start_offset();
    &dense.storage()[start..start + dense.layout().num_elements()]
}

fn shape(tensor: &FlexTensor) -> Vec<usize> {
    tensor.layout().shape().to_vec()
}

fn tensor(values: Vec<f32>, shape: &[usize]) -> FlexTensor {
    let layout = Layout::contiguous(Shape::from(shape.to_vec()));
    FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
}

fn inputs<'s>([q, k, v, cos, sin]: [&'s FlexTensor; 5]) -> Inputs<'s> {
    let [q, k, v, cos, sin] = [q, k, v, cos, sin].map(values);
    Inputs { q, k, v, cos, sin }
}

/// From queries and keys.
fn sizes(q: &FlexTensor, k: &FlexTensor) -> Sizes {
    let (q, k) = (q.layout().shape(), k.layout().shape());
    Sizes { batch: q[0], time: q[1], heads: q[2], groups: k[2], size: q[3] }
}
