//! Progress bars with the time left, for whatever the libraries report.

use ethos_core::Progress;
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

/// Shows asking on a bar.
pub(crate) fn asking(bar: &ProgressBar) -> impl Fn(&Progress) + Send + Sync {
    let bar = bar.clone();
    move |progress| {
        bar.set_length(progress.total.unwrap_or(progress.done));
        bar.set_position(progress.done);
        let stage = progress.stage.rsplit('/').next().unwrap_or_default().to_owned();
        let kept = if progress.reused > 0 { ", from the journal" } else { "" };
        bar.set_message(format!("{stage}{kept}"));
    }
}
