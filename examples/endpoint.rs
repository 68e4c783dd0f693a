//! A model at an endpoint or in a folder, and what its answers cost: shared by the examples that may spend money.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use ethos_api::{Anthropic, Budget, Endpoint, OpenAi, Price, Prices};
use ethos_core::Model;
use ethos_train::{Checkpoint, DeviceSpec, LocalModel};

/// What share of its price a request costs in a batch, at OpenAI and Anthropic.
const BATCH: f64 = 0.5;

/// What the command line says of the endpoint.
pub(crate) struct Asked {
    url: Option<String>,
    model: Option<String>,
    anthropic: Option<String>,
    checkpoint: Option<PathBuf>,
    device: DeviceSpec,
    budget: Option<f64>,
    batch: bool,
    yes: bool,
    /// Dollars for a million tokens of requests and of answers.
    pub(crate) price: (f64, f64),
}

impl Asked {
    /// Whether nobody is asked who wants money.
    fn offline(&self) -> bool {
        self.model.is_none() && self.anthropic.is_none()
    }
}

/// Reads `--url`, `--model`, `--anthropic`, `--price IN,OUT`, `--budget`, `--batch` and `--yes`; `--checkpoint FOLDER`
/// and `--device`.
pub(crate) fn read(args: &mut pico_args::Arguments) -> Result<Asked> {
    let asked = Asked {
        url: args.opt_value_from_str("--url")?,
        model: args.opt_value_from_str("--model")?,
        anthropic: args.opt_value_from_str("--anthropic")?,
        checkpoint: args.opt_value_from_str("--checkpoint")?,
        device: args.opt_value_from_str("--device")?.unwrap_or(DeviceSpec::Flex),
        budget: args.opt_value_from_str("--budget")?,
        batch: args.contains("--batch"),
        yes: args.contains("--yes"),
        price: match args.opt_value_from_str::<_, String>("--price")? {
            None => (0.0, 0.0),
            Some(price) => {
                let (input, output) = price.split_once(',').context("`--price` is IN,OUT")?;
                (input.trim().parse()?, output.trim().parse()?)
            }
        },
    };
    if asked.url.is_some() && asked.model.is_none() {
        bail!("`--url` needs the name of a model there, `--model NAME`");
    }
    if asked.checkpoint.is_some() && !asked.offline() {
        bail!("`--checkpoint` is a model of its own; leave out `--model` and `--anthropic`");
    }
    Ok(asked)
}

/// Tells the cost, and whether it may be spent.
pub(crate) fn agreed(asked: &Asked, cost: f64) -> Result<bool> {
    if asked.offline() {
        let who = asked.checkpoint.as_ref().map_or("a script answers".to_owned(), |folder| {
            format!("`{}` answers, on {}", folder.display(), asked.device)
        });
        println!("offline: {who}, and it costs nothing\n");
        return Ok(true);
    }
    match asked.price {
        (0.0, 0.0) => {
            println!("what a token costs was not told (`--price IN,OUT`, dollars a million)")
        }
        _ => {
            let share = if asked.batch { BATCH } else { 1.0 };
            println!(
                "about {:.2} dollars; what falls and is asked for again comes on top",
                cost * share
            );
        }
    }
    if !asked.yes {
        println!("nothing was asked; add `--yes` to spend it");
    }
    Ok(asked.yes)
}

/// The checkpoint in the folder, where one is named.
pub(crate) fn checkpoint(asked: &Asked) -> Result<Option<Checkpoint>> {
    let Some(folder) = &asked.checkpoint else { return Ok(None) };
    Ok(Some(Checkpoint::load(folder, &asked.device.open()?)?))
}

/// The model at the endpoint or in the folder, or the one of the script.
pub(crate) fn model(
    asked: &Asked,
    script: impl FnOnce() -> Box<dyn Model>,
) -> Result<Box<dyn Model>> {
    if !asked.offline() {
        // A server that is not there is tried for a minute: whoever waits should know. A second model finds it done.
        let warnings =
            tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::WARN);
        let _ = warnings.with_writer(std::io::stderr).without_time().with_target(false).try_init();
    }
    let terms = |endpoint: Endpoint, name: &str| {
        let (input, output) = asked.price;
        let endpoint = match asked.price {
            (0.0, 0.0) => endpoint,
            _ => {
                let price = Price { batch: Some(BATCH), ..Price::new(input, output) };
                endpoint.with_prices(Prices::new().with(name, price))
            }
        };
        match asked.budget {
            Some(limit) => endpoint.with_budget(&Budget::usd(limit)),
            None => endpoint,
        }
    };
    let openai = |endpoint: Endpoint, name: &str| -> Result<Box<dyn Model>> {
        let model = OpenAi::new(terms(endpoint, name))?;
        Ok(Box::new(if asked.batch { model.with_batches() } else { model }))
    };
    match (&asked.url, &asked.model, &asked.anthropic) {
        (_, None, None) => match checkpoint(asked)? {
            Some(checkpoint) => Ok(Box::new(LocalModel::new(checkpoint)?)),
            None => Ok(script()),
        },
        (Some(url), Some(name), _) => openai(Endpoint::new(url.as_str(), name.as_str()), name),
        (None, Some(name), _) => {
            openai(Endpoint::from_env(ethos_api::Provider::OpenAi, name.as_str())?, name)
        }
        (_, _, Some(name)) => {
            let endpoint = Endpoint::from_env(ethos_api::Provider::Anthropic, name.as_str())?;
            let model = Anthropic::new(terms(endpoint, name))?;
            Ok(Box::new(if asked.batch { model.with_batches() } else { model }))
        }
    }
}
