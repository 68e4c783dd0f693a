//! The operations on burn's autodiff tape.

use burn::backend::{
    AutodiffBackend, Backend,
    autodiff::{
        Autodiff,
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    tensor::FloatTensor,
};

use super::{Fused, Onward, Sight, Update};

impl<B: Fused, C: CheckpointStrategy> Fused for Autodiff<B, C> {
    fn project(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Linear;

        impl<B: Fused> Backward<B, 2> for Linear {
            // Each is there where the gradient of the other is wanted.
            type State = [Option<FloatTensor<B>>; 2];

            fn backward(
                self,
                Ops { parents: [of_x, of_weight], node, state: [x, weight] }: Ops<Self::State, 2>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let grad = grads.consume::<B>(&node);
                if let (Some(node), Some(weight)) = (of_x, weight) {
                    grads.register::<B>(node.id, B::float_matmul(grad.clone(), weight));
                }
                if let (Some(node), Some(x)) = (of_weight, x) {
                    let grad = B::float_transpose(grad);
                    grads.register::<B>(node.id, B::float_matmul(grad, x));
                }
            }
        }

        let tracked = |tensor: &FloatTensor<Self>| tensor.is_tracked();
        let (for_weight, for_x) = (tracked(&weight), tracked(&x));
        let ((x, x_node), (weight, weight_node)) = (x.into_parts(), weight.into_parts());
        match Linear.prepare::<C>([x_node, weight_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let state = [for_weight.then(|| x.clone()), for_x.then(|| weight.clone())];
                prep.finish(state, B::project(x, weight))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::project(x, weight)),
        }
    }

    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f64) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct RmsNorm;

        impl<B: Fused> Backward<B, 2> for RmsNorm {
            type State = (FloatTensor<B>, FloatTensor<B>, f64);

            fn backward(
                self,
                Ops { parents: [of_x, of_weight], node, state: (x, weight, eps) }: Ops<
                    Self::State,
                    2,
                >,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let grad = grads.consume::<B>(&node);
                let (x, weight) = B::rms_norm_backward(grad, x, weight, eps);
                for (node, grad) in [(of_x, x), (of_weight, weight)] {
                    if let Some(node) = node {
                        grads.register::<B>(node.id, grad);
                    }
                }
            }
        }

        let ((x, x_node), (weight, weight_node)) = (x.into_parts(), weight.into_parts());
        match RmsNorm.prepare::<C>([x_node, weight_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let state = (x.clone(), weight.clone(), eps);
                prep.finish(state, B::rms_norm(x, weight, eps))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::rms_norm(x, weight, eps)),
        }
    }

    fn swiglu(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Swiglu;

        impl<B: Fused> Backward<B, 2> for Swiglu {
            type State = (FloatTensor<B>, FloatTensor<B>);

            fn backward(
                self,
                Ops { parents: [of_gate, of_up], node, state: (gate, up) }: Ops<Self::State, 2>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let grad = grads.consume::<B>(&node);
                let (gate, up) = B::swiglu_backward(grad, gate, up);
                for (node, grad) in [(of_gate, gate), (of_up, up)] {
                    if let Some(node) = node {
                        grads.register::<B>(node.id, grad);
                    }
                }
            }
        }

        let ((gate, gate_node), (up, up_node)) = (gate.into_parts(), up.into_parts());
        match Swiglu.prepare::<C>([gate_node, up_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((gate.clone(), up.clone()), B::swiglu(gate, up)),
            OpsKind::UnTracked(prep) => prep.finish(B::swiglu(gate, up)),
        }
    }

    fn attend(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        sight: Sight,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        #[derive(Clone, Debug)]
        struct Kept<B: Backend> {
            inputs: [FloatTensor<B>; 3],
            angles: [FloatTensor<B>; 2],
            out: FloatTensor<B>,
            log_sums: FloatTensor<B>,
            sight: Sight,
        }

        #[derive(Debug)]
        struct Attention;

        impl<B: Fused> Backward<B, 3> for Attention {
            type State = Kept<B>;

            fn backward(
                self,
                Ops { parents, node, state }: Ops<Self::State, 3>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let grad = grads.consume::<B>(&node);
                let Kept { inputs: [q, k, v], angles: [cos, sin], out, log_sums, sight } = state;
                let (q, k, v) = B::attend_backward(grad, q, k, v, cos, sin, out, log_sums, sight);
                for (node, grad) in parents.into_iter().zip([q, k, v]) {
                    if let Some(node) = node {
                        grads.register::<B>(node.id, grad);
                    }
                }
            }
        }

        let ((q, q_node), (k, k_node), (v, v_node)) =
            (q.into_parts(), k.into_parts(), v.into_parts());
        let [cos, sin] = [cos, sin].map(|angles| angles.into_primitive());
        match Attention.prepare::<C>([q_node, k_node, v_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let inputs = [q.clone(), k.clone(), v.clone()];
                let angles = [cos.clone(), sin.clone()];
                let (out, log_sums) = B::attend(q, k, v, cos, sin, sight.clone());
                let (out_kept, sums_kept) = (out.clone(), log_sums.clone());
                let kept = Kept { inputs, angles, out: out_kept, log_sums: sums_kept, sight };
                (prep.finish(kept, out), Self::from_inner(log_sums))
            }
            OpsKind::UnTracked(prep) => {
                let (out, log_sums) = B::attend(q, k, v, cos, sin, sight);
                (prep.finish(out), Self::from_inner(log_sums))
            }
        }
    }

    // No gradients are taken of what follows: the results are constants.

    fn rms_norm_backward(
        grad: FloatTensor<Self>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let [grad, x, weight] = [grad, x, weight].map(|tensor| tensor.into_primitive());
        let (x, weight) = B::rms_norm_backward(grad, x, weight, eps);
        (Self::from_inner(x), Self::from_inner(weight))
    }

    fn swiglu_backward(
        grad: FloatTensor<Self>,
        gate: FloatTensor<Self>,
        up: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let [grad, gate, up] = [grad, gate, up].map(|tensor| tensor.into_primitive());
        let (gate, up) = B::swiglu_backward(grad, gate, up);
        (Self::from_inner(gate), Self::from_inner(up))
    }

    fn attend_backward(
        grad: FloatTensor<Self>,
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        out: FloatTensor<Self>,
        log_sums: FloatTensor<Self>,
        sight: Sight,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let [grad, q, k, v] = [grad, q, k, v].map(|tensor| tensor.into_primitive());
        let [cos, sin, out, log_sums] =
            [cos, sin, out, log_sums].map(|tensor| tensor.into_primitive());
        let (q, k, v) = B::attend_backward(grad, q, k, v, cos, sin, out, log_sums, sight);
        (Self::from_inner(q), Self::from_inner(k), Self::from_inner(v))
    }

    fn read_on(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        held: FloatTensor<Self>,
        onward: Onward,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let [q, k, v] = [q, k, v].map(|tensor| tensor.into_primitive());
        let [cos, sin, held] = [cos, sin, held].map(|tensor| tensor.into_primitive());
        let (out, held) = B::read_on(q, k, v, cos, sin, held, onward);
        (Self::from_inner(out), Self::from_inner(held))
    }

    fn cross_entropy(
        logits: FloatTensor<Self>,
        targets: Vec<i32>,
        weights: Vec<f32>,
        share: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (logits, losses) = B::cross_entropy(logits.into_primitive(), targets, weights, share);
        (Self::from_inner(logits), Self::from_inner(losses))
    }

    fn square_sum(x: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::from_inner(B::square_sum(x.into_primitive()))
    }

    fn adamw(
        values: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        square: FloatTensor<Self>,
        update: Update,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let [values, gradient, mean, square] =
            [values, gradient, mean, square].map(|tensor| tensor.into_primitive());
        let (values, mean, square) = B::adamw(values, gradient, mean, square, update);
        (Self::from_inner(values), Self::from_inner(mean), Self::from_inner(square))
    }
}
