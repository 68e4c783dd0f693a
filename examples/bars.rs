//! Progress bars with the time left, for whatever the trainer reports: shared by the examples that train.

use ethos_train::{FitProgress, Step};
use indicatif::{ProgressBar, ProgressStyle};

/// A bar of `total` steps, quiet where there is no terminal.
pub(crate) fn bar(name: &str, total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{prefix:>26} {bar:32} {pos:>5}/{len} {elapsed_precise} left {eta:>4} {msg}",
    );
    let bar = ProgressBar::new(total).with_prefix(name.to_owned());
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// Shows training on a bar.
pub(crate) fn training(bar: &ProgressBar) -> impl Fn(&Step) + Send + Sync {
    let bar = bar.clone();
    move |step| {
        bar.set_length(step.steps as u64);
        bar.set_position(step.step as u64 + 1);
        bar.set_message(format!("loss {:.3}", step.loss));
    }
}

/// Shows fitting on a bar.
pub(crate) fn fitting(bar: &ProgressBar) -> impl Fn(&FitProgress) + Send + Sync {
    let show = training(bar);
    move |progress| show(&progress.step)
}
