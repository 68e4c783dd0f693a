//! Next-token cross-entropy, in f32 and a few tokens at a time: logits of `[tokens, vocabulary]` never
//! exist whole, and tokens without loss have none at all.

use std::ops::Range;

use burn::tensor::{DType, Device, IndexingUpdateOp, Int, Tensor, TensorData};

use crate::{
    Batch,
    fused::{Surplus, cross_entropy},
};

/// The tokens of a batch that carry loss.
struct Learnt {
    /// Which they are; `None` is all.
    places: Option<Tensor<1, Int>>,
    targets: Vec<i32>,
    weights: Vec<f32>,
    device: Device,
}

impl Learnt {
    fn of(batch: &Batch, device: &Device) -> Self {
        let places: Vec<i32> =
            (0..).zip(&batch.weights).filter(|(_, w)| **w != 0.0).map(|(place, _)| place).collect();
        let at = |place: &i32| *place as usize;
        let targets = places.iter().map(|place| batch.targets[at(place)]).collect();
        let weights = places.iter().map(|place| batch.weights[at(place)]).collect();
        let count = places.len();
        let places = (count < batch.weights.len())
            .then(|| Tensor::from_data(TensorData::new(places, [count]), device));
        Learnt { places, targets, weights, device: device.clone() }
    }

    /// Their rows of `[batch, time, width]`.
    fn select(&self, h_btd: Tensor<3>) -> Tensor<2> {
        let width = h_btd.dims()[2] as i32;
        let h_nd = h_btd.reshape([-1, width]);
        match &self.places {
            Some(places) => h_nd.select(0, places.clone()),
            None => h_nd,
        }
    }

    /// The reverse: rows of 0 where no loss is.
    fn spread(&self, rows_nd: Tensor<2>, shape: [usize; 3]) -> Tensor<3> {
        let [batch, time, width] = shape;
        match &self.places {
            Some(places) => {
                let nothing = Tensor::<2>::zeros([batch * time, width], &self.device);
                let nothing = nothing.cast(rows_nd.dtype());
                nothing.select_assign(0, places.clone(), rows_nd, IndexingUpdateOp::Add)
            }
            None => rows_nd,
        }
        .reshape(shape)
    }

    /// What the logits of some of them cost, and what that asks of them.
    fn surplus(
        &self,
        h_nd: &Tensor<2>,
        head_vd: &Tensor<2>,
        range: Range<usize>,
        share: f64,
    ) -> Surplus {
        let h_cd = h_nd.clone().narrow(0, range.start, range.len());
        let logits_cv = h_cd.matmul(head_vd.clone().transpose());
        cross_entropy(logits_cv, &self.targets[range.clone()], &self.weights[range], share)
    }

    fn chunks(&self, chunk: usize) -> impl Iterator<Item = Range<usize>> {
        let (count, chunk) = (self.targets.len(), chunk.max(1));
        (0..count).step_by(chunk).map(move |start| start..(start + chunk).min(count))
    }
}

/// Loss of a batch with its gradients at the last layer.
pub(crate) struct Scored {
    /// Sum over the targets of weight × cross-entropy, in nats, divided by `total`.
    pub(crate) loss: f64,
    /// With respect to what the head reads, `[batch, time, width]`.
    pub(crate) hidden: Tensor<3>,
    /// With respect to the head, `[vocabulary, width]`, in f32; where it was asked for.
    pub(crate) head: Option<Tensor<2>>,
}

/// Loss and gradients from what the head reads, `[batch, time, width]`, and the head, `[vocabulary,
/// width]`; `None` where nothing carries loss. At most `chunk` tokens have logits at a time.
///
/// Dividing by a `total` that the caller gives keeps the mean right across accumulated batches.
pub(crate) fn scored(
    h_btd: Tensor<3>,
    head_vd: &Tensor<2>,
    batch: &Batch,
    total: f64,
    chunk: usize,
    learn_head: bool,
) -> Option<Scored> {
    let learnt = Learnt::of(batch, &h_btd.device());
    if learnt.targets.is_empty() {
        return None;
    }
    let shape = h_btd.dims();
    let h_nd = learnt.select(h_btd);
    let (mut losses, mut rows, mut head) = (Vec::new(), Vec::new(), None::<Tensor<2>>);
    for range in learnt.chunks(chunk) {
        let surplus = learnt.surplus(&h_nd, head_vd, range.clone(), total.recip());
        losses.push(surplus.losses);
        let surplus_cv = surplus.logits.cast(head_vd.dtype());
        rows.push(surplus_cv.clone().matmul(head_vd.clone()));
        if learn_head {
            let h_cd = h_nd.clone().narrow(0, range.start, range.len());
            let part = surplus_cv.transpose().matmul(h_cd).cast(DType::F32);
            head = Some(match head {
                Some(sum) => sum + part,
                None => part,
            });
        }
    }
    let hidden = learnt.spread(Tensor::cat(rows, 0), shape);
    Some(Scored { loss: sum(losses) / total, hidden, head })
}

/// Sum over a batch's targets of weight × cross-entropy, in nats.
pub(crate) fn summed_loss(
    h_btd: Tensor<3>,
    head_vd: &Tensor<2>,
    batch: &Batch,
    chunk: usize,
) -> f64 {
    let learnt = Learnt::of(batch, &h_btd.device());
    if learnt.targets.is_empty() {
        return 0.0;
    }
    let h_nd = learnt.select(h_btd);
    let losses =
        learnt.chunks(chunk).map(|range| learnt.surplus(&h_nd, head_vd, range, 1.0).losses);
    sum(losses.collect())
}

/// The sum of the losses of all rows; added on the host, in order and in f64.
fn sum(losses: Vec<Tensor<1>>) -> f64 {
    let values = Tensor::cat(losses, 0).into_data();
    values.iter::<f32>().map(f64::from).sum()
}
