//! The operations on LibTorch, on the CPU: its own fused kernels, and where it has none, its others a part
//! at a time, so that what one wrote is in the cache when the next reads it.

use std::sync::PoisonError;

use burn::backend::{LibTorch, libtorch::TchTensor};
use tch::{Kind, Tensor};

use super::{Fused, Onward, Sight, Update};

/// Numbers of a vector that several operations follow each other on.
const PART: i64 = 1 << 20;

impl Fused for LibTorch {
    fn project(x: TchTensor, weight: TchTensor) -> TchTensor {
        TchTensor::new(x.tensor.linear(&weight.tensor, None::<&Tensor>))
    }

    fn rms_norm(x: TchTensor, weight: TchTensor, eps: f64) -> TchTensor {
        let mut y = &x.tensor * inverse(&x.tensor, eps);
        y *= &weight.tensor;
        TchTensor::new(y)
    }

    fn rms_norm_backward(
        grad: TchTensor,
        x: TchTensor,
        weight: TchTensor,
        eps: f64,
    ) -> (TchTensor, TchTensor) {
        let shape = x.tensor.size();
        let width = shape.last().copied().unwrap_or(1);
        let [grad, x] = [grad, x].map(|rows| rows.tensor.reshape([-1, width]));
        let weight = weight.tensor;
        let inverse = inverse(&x, eps);
        let both = &grad * &x;
        let of_weight = both.tr().mv(&inverse.squeeze_dim(1));
        let back = both.mv(&weight).unsqueeze(1) * inverse.pow_tensor_scalar(3) / (-width as f64);
        let mut of_x = grad * weight;
        of_x *= &inverse;
        let of_x = of_x.addcmul_(&x, &back).reshape(&shape);
        (TchTensor::new(of_x), TchTensor::new(of_weight))
    }

    fn swiglu(gate: TchTensor, up: TchTensor) -> TchTensor {
        let mut y = gate.tensor.silu();
        y *= &up.tensor;
        TchTensor::new(y)
    }

    fn swiglu_backward(grad: TchTensor, gate: TchTensor, up: TchTensor) -> (TchTensor, TchTensor) {
        let (grad, gate, up) = (grad.tensor, gate.tensor, up.tensor);
        let mut of_up = gate.silu();
        of_up *= &grad;
        let of_gate = gate.silu_backward(&(grad * up));
        (TchTensor::new(of_gate), TchTensor::new(of_up))
    }

    fn attend(
        q: TchTensor,
        k: TchTensor,
        v: TchTensor,
        cos: TchTensor,
        sin: TchTensor,
        sight: Sight,
    ) -> (TchTensor, TchTensor) {
        let [q, k, v] = heads([&q, &k, &v], [&cos, &sin]);
        let (out, log_sums) = Tensor::internal_scaled_dot_product_flash_attention_for_cpu(
            &q,
            &k,
            &v,
            0.0,
            sight.is_causal(),
            sight.mask(q.size()[2]),
            None,
        );
        (TchTensor::new(out.transpose(1, 2).contiguous()), TchTensor::new(log_sums))
    }

    fn attend_backward(
        grad: TchTensor,
        q: TchTensor,
        k: TchTensor,
        v: TchTensor,
        cos: TchTensor,
        sin: TchTensor,
        out: TchTensor,
        log_sums: TchTensor,
        sight: Sight,
    ) -> (TchTensor, TchTensor, TchTensor) {
        let size = k.tensor.size();
        let angles = [&cos, &sin];
        let [q, k, v] = heads([&q, &k, &v], angles);
        let [grad, out] = [grad, out].map(|x| x.tensor.transpose(1, 2));
        let (q, k, v) = Tensor::internal_scaled_dot_product_flash_attention_for_cpu_backward(
            &grad,
            &q,
            &k,
            &v,
            &out,
            &log_sums.tensor,
            0.0,
            sight.is_causal(),
            sight.mask(q.size()[2]),
            None,
        );
        let [q, k, v] = [q, k, v].map(|x| x.transpose(1, 2));
        // Heads that share keys and values have a part in their gradients each.
        let [k, v] = [k, v].map(|x| match x.size() == size {
            true => x,
            false => x.reshape([size[0], size[1], size[2], -1, size[3]]).sum_dim_intlist(
                3,
                false,
                None::<Kind>,
            ),
        });
        let [cos, sin] = angles.map(|angles| angles.tensor.transpose(1, 2));
        let back = |x: &Tensor| turned_back(x, &cos, &sin);
        (TchTensor::new(back(&q)), TchTensor::new(back(&k)), TchTensor::new(v.contiguous()))
    }

    fn read_on(
        q: TchTensor,
        k: TchTensor,
        v: TchTensor,
        cos: TchTensor,
        sin: TchTensor,
        held: TchTensor,
        onward: Onward,
    ) -> (TchTensor, TchTensor) {
        let held = exclusive(held);
        let groups = k.tensor.size()[2];
        let [cos, sin] = [cos, sin].map(|angles| angles.tensor.transpose(1, 2));
        let q = turned(&q.tensor, &cos, &sin).transpose(1, 2);
        let k = turned(&k.tensor, &cos, &sin);
        let new = Tensor::cat(&[k, v.tensor], 2).transpose(1, 2);
        let [rows, columns] = [&onward.rows, &onward.columns];
        let of_pass = |x: &Tensor, from: usize| {
            let x = x.narrow(0, rows.start as i64, rows.len() as i64);
            x.narrow(2, from as i64, (columns.end - from) as i64)
        };
        of_pass(&held, columns.start).copy_(&new);
        let first = onward.first();
        let seen = of_pass(&held, first);
        let [k, v] = [0, groups].map(|from| seen.narrow(1, from, groups));
        let (shape, scale) = (q.size(), (q.size()[3] as f64).sqrt().recip());
        // The queries of a group are rows of one product, so that keys and values are not repeated.
        let scores = q.reshape([shape[0], groups, -1, shape[3]]).matmul(&k.transpose(2, 3)) * scale;
        let scores = scores.reshape([shape[0], shape[1], shape[2], -1]) + onward.mask(first);
        let shares =
            scores.softmax(3, None::<Kind>).reshape([shape[0], groups, -1, scores.size()[3]]);
        let out = shares.matmul(&v).reshape(&shape).transpose(1, 2).contiguous();
        (TchTensor::new(out), TchTensor::new(held))
    }

    fn cross_entropy(
        logits: TchTensor,
        targets: Vec<i32>,
        weights: Vec<f32>,
        share: f32,
    ) -> (TchTensor, TchTensor) {
        let logits = logits.tensor;
        let targets: Vec<i64> = targets.into_iter().map(i64::from).collect();
        let targets = Tensor::from_slice(&targets).unsqueeze(1);
        let weights = Tensor::from_slice(&weights).unsqueeze(1);
        let mut surplus = logits.log_softmax(1, None::<Kind>);
        drop(logits);
        let losses = -surplus.gather(1, &targets, false) * &weights;
        let weights = weights * f64::from(share);
        surplus = surplus.exp_();
        surplus *= &weights;
        let surplus = surplus.scatter_add_(1, &targets, &-weights);
        (TchTensor::new(surplus), TchTensor::new(losses.squeeze_dim(1)))
    }

    fn square_sum(x: TchTensor) -> TchTensor {
        TchTensor::new(x.tensor.dot(&x.tensor).reshape([1]))
    }

    fn adamw(
        values: TchTensor,
        gradient: TchTensor,
        mean: TchTensor,
        square: TchTensor,
        update: Update,
    ) -> (TchTensor, TchTensor, TchTensor) {
        let Update { scale, beta1, beta2, unbias, epsilon, decay, rate } = update;
        let [values, mean, square] = [values, mean, square].map(exclusive);
        let gradient = gradient.tensor;
        let count = values.numel() as i64;
        for start in (0..count).step_by(PART as usize) {
            let part = |of: &Tensor| of.narrow(0, start, PART.min(count - start));
            let (mut values, mut mean, mut square) = (part(&values), part(&mean), part(&square));
            let gradient = part(&gradient) * scale;
            let mean = mean.lerp_(&gradient, 1.0 - beta1);
            square *= beta2;
            let square = square.addcmul_(&gradient, &(&gradient * (1.0 - beta2)));
            // The step's factor goes into what it is divided by.
            let mut root = square.sqrt();
            root *= -unbias / rate.max(f64::MIN_POSITIVE);
            root += -epsilon / rate.max(f64::MIN_POSITIVE);
            values *= decay;
            if rate > 0.0 {
                let _ = values.addcdiv_(&mean, &root);
            }
        }
        (TchTensor::new(values), TchTensor::new(mean), TchTensor::new(square))
    }
}

impl Sight {
    /// Whether every place sees all before it.
    fn is_causal(&self) -> bool {
        self.first.iter().all(|&first| first == 0)
    }

    /// What is added to scores, `[batch, 1, time, time]`, where that is not so.
    fn mask(&self, time: i64) -> Option<Tensor> {
        if self.is_causal() {
            return None;
        }
        let mut made = self.mask.lock().unwrap_or_else(PoisonError::into_inner);
        Some(made.get_or_insert_with(|| self.made(time)).shallow_clone())
    }

    fn made(&self, time: i64) -> Tensor {
        let first: Vec<i64> = self.first.iter().map(|&first| i64::from(first)).collect();
        let first = Tensor::from_slice(&first).reshape([-1, 1, time, 1]);
        let places = Tensor::arange(time, (Kind::Int64, tch::Device::Cpu));
        let hidden = places.less_tensor(&first);
        let hidden = hidden.logical_or(&places.greater_tensor(&places.unsqueeze(1)));
        let open = Tensor::zeros(hidden.size(), (Kind::Float, tch::Device::Cpu));
        open.masked_fill(&hidden, f64::NEG_INFINITY)
    }
}

impl Onward {
    /// The first column that a token looks at.
    fn first(&self) -> usize {
        self.sight.first.iter().min().map_or(self.columns.start, |&first| first as usize)
    }

    /// What is added to scores, `[rows, 1, columns, seen]`, from a first column on.
    fn mask(&self, first: usize) -> Tensor {
        let (width, columns) = (self.columns.end - first, self.columns.len());
        let mut mask = vec![f32::NEG_INFINITY; self.sight.first.len() * width];
        for (number, (line, &oldest)) in
            mask.chunks_exact_mut(width).zip(&*self.sight.first).enumerate()
        {
            let column = self.columns.start + number % columns;
            line[oldest as usize - first..=column - first].fill(0.0);
        }
        Tensor::from_slice(&mask).reshape([self.rows.len() as i64, 1, columns as i64, width as i64])
    }
}

/// The tensor as one that may be written.
fn exclusive(tensor: TchTensor) -> Tensor {
    if tensor.can_mut() && tensor.tensor.is_contiguous() {
        tensor.tensor
    } else {
        tensor.tensor.contiguous().copy()
    }
}

/// One over the root mean square of every row, `[…, 1]`.
fn inverse(x: &Tensor, eps: f64) -> Tensor {
    let width = x.size().last().copied().unwrap_or(1);
    let length = x.norm_scalaropt_dim(2, [-1], true);
    (&length * &length / width as f64 + eps).rsqrt()
}

/// Queries and keys, turned, and values, each as many heads as there are queries', the time behind.
fn heads([q, k, v]: [&TchTensor; 3], [cos, sin]: [&TchTensor; 2]) -> [Tensor; 3] {
    let [cos, sin] = [cos, sin].map(|angles| angles.tensor.transpose(1, 2));
    let each = q.tensor.size()[2] / k.tensor.size()[2].max(1);
    let q = turned(&q.tensor, &cos, &sin);
    let [k, v] = [turned(&k.tensor, &cos, &sin), v.tensor.shallow_clone()].map(|x| match each {
        1 => x,
        _ => x.repeat_interleave_self_int(each, 2, None),
    });
    [q, k, v].map(|x| x.transpose(1, 2))
}

/// Vectors turned by their positions: halves are rotated against each other.
fn turned(x: &Tensor, cos: &Tensor, sin: &Tensor) -> Tensor {
    let y = x * cos;
    let half = x.size()[3] / 2;
    let [low, high] = [0, half].map(|start| move |of: &Tensor| of.narrow(3, start, half));
    let _ = low(&y).addcmul_(&high(x), &low(sin).neg());
    let _ = high(&y).addcmul_(&low(x), &high(sin));
    y
}

/// The gradient of what was turned, from that of what it became.
fn turned_back(x: &Tensor, cos: &Tensor, sin: &Tensor) -> Tensor {
    let y = (x * cos).contiguous();
    let half = x.size()[3] / 2;
    let [low, high] = [0, half].map(|start| move |of: &Tensor| of.narrow(3, start, half));
    let _ = low(&y).addcmul_(&high(x), &high(sin));
    let _ = high(&y).addcmul_(&low(x), &low(sin).neg());
    y
}
