//! Arithmetic over slices, written so that the compiler makes vector instructions of it.
//!
//! Sums go over a fixed number of lanes that are added up in a fixed order: they depend on the length
//! alone, not on the width of a machine's vectors and not on how many threads there are.

/// Numbers treated alike at a time; two of the widest registers that [`wide`] asks for.
const LANES: usize = 16;

/// Numbers of a slice that one thread takes at a time; part of what is computed, since sums go by it.
pub(super) const PIECE: usize = 1 << 14;

/// Functions whose bodies are compiled a second time for AVX2 and FMA, which is taken where the machine
/// has them. Without, the compiler may assume no more than SSE2 of an x86.
macro_rules! wide {
    ($($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $kind:ty),* $(,)?) $(-> $out:ty)? $body:block)*) => {$(
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name($($arg: $kind),*) $(-> $out)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn body($($arg: $kind),*) $(-> $out)? $body

            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn vectors($($arg: $kind),*) $(-> $out)? {
                    body($($arg),*)
                }
                // SAFETY: the machine has what the function is compiled for.
                #[expect(unsafe_code, reason = "the only way to call what is compiled for other machines")]
                return unsafe { vectors($($arg),*) };
            }
            body($($arg),*)
        }
    )*};
}
pub(super) use wide;

/// The exponential, to 2 units in the last place between -87.3 and 88.7; what is below counts as -87.3.
/// Not a number stays so.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    const LOWEST: f32 = -87.336_54;
    const HIGHEST: f32 = 88.722_84;
    // Adding it leaves whole numbers in the low bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, so that the first times a small whole number is exact.
    const LN2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let x = if x < LOWEST { LOWEST } else { x };
    let x = if x > HIGHEST { HIGHEST } else { x };
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let whole = shifted - ROUND;
    let rest = whole.mul_add(-LN2[1], whole.mul_add(-LN2[0], x));
    // exp(r) on [-ln 2 / 2, ln 2 / 2], by Cephes' polynomial.
    let mut tail = 1.987_569_1e-4_f32;
    for c in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
        tail = tail.mul_add(rest, c);
    }
    let power = tail.mul_add(rest * rest, rest) + 1.0;
    // 2 to the whole number in two factors: 128 alone would not fit.
    let whole = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
    let half = whole >> 1;
    let two_to = |n: i32| f32::from_bits((n.wrapping_add(127) as u32) << 23);
    power * two_to(half) * two_to(whole.wrapping_sub(half))
}

/// The logistic function.
#[inline(always)]
pub(super) fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Sum over the places of slices of the same length of what `of` makes of the numbers there.
#[inline(always)]
fn sum<const N: usize>(slices: [&[f32]; N], of: impl Fn([f32; N], f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let blocks = slices.map(|slice| slice.as_chunks::<LANES>());
    for block in 0..blocks.first().map_or(0, |(whole, _)| whole.len()) {
        let block = blocks.map(|(whole, _)| whole[block]);
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum = of(block.map(|block| block[lane]), *sum);
        }
    }
    let rests = blocks.map(|(_, rest)| rest);
    for place in 0..rests.first().map_or(0, |rest| rest.len()) {
        lanes[place] = of(rests.map(|rest| rest[place]), lanes[place]);
    }
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
    }
    lanes[0]
}

/// Sum of the products.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    sum([a, b], |[a, b], sum| a.mul_add(b, sum))
}

/// Sum of the products of three.
#[inline(always)]
pub(super) fn dot3(a: &[f32], b: &[f32], c: &[f32]) -> f32 {
    sum([a, b, c], |[a, b, c], sum| (a * b).mul_add(c, sum))
}

/// The largest; not a number where there is one such.
#[inline(always)]
pub(super) fn largest(values: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if a > b || a.is_nan() { a } else { b };
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (blocks, rest) = values.as_chunks::<LANES>();
    for block in blocks {
        for (lane, value) in lanes.iter_mut().zip(block) {
            *lane = larger(*lane, *value);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane = larger(*lane, *value);
    }
    lanes.into_iter().fold(f32::NEG_INFINITY, larger)
}

/// Replaces numbers by the exponentials of what they are above `floor`, and says their sum.
#[inline(always)]
pub(super) fn exponentials(values: &mut [f32], floor: f32) -> f32 {
    for value in values.iter_mut() {
        *value = exp(*value - floor);
    }
    sum([values], |[value], sum| sum + value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    wide! {
        fn exp_all(values: &mut [f32]) {
            for value in values {
                *value = exp(*value);
            }
        }
    }

    #[test]
    fn exponentials_are_right_to_the_last_bits() {
        let inputs: Vec<f32> = (-87_300..=88_700).map(|x| x as f32 / 1000.0).collect();
        let mut found = inputs.clone();
        exp_all(&mut found);
        for (x, found) in inputs.into_iter().zip(found) {
            let right = f64::from(x).exp() as f32;
            let apart = found.to_bits().abs_diff(right.to_bits());
            assert!(apart <= 2, "exp({x}) is {right}, not {found}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NEG_INFINITY) < 1.2e-38 && exp(-1e9) < 1.2e-38);
        assert!(exp(f32::NAN).is_nan());
    }

    proptest! {
        #[test]
        fn sums_are_sums(values in prop::collection::vec(-9.0f32..9.0, 0..70)) {
            let wide: Vec<f64> = values.iter().map(|&v| f64::from(v)).collect();
            let squares: f64 = wide.iter().map(|v| v * v).sum();
            prop_assert!((f64::from(dot(&values, &values)) - squares).abs() < 1e-3);
            let cubes: f64 = wide.iter().map(|v| v * v * v).sum();
            prop_assert!((f64::from(dot3(&values, &values, &values)) - cubes).abs() < 1e-2);
            let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            prop_assert_eq!(largest(&values), most);
        }
    }

    #[test]
    fn not_a_number_is_not_lost() {
        for place in [0, 5, 16, 20] {
            let mut values = [1.0; 21];
            values[place] = f32::NAN;
            assert!(largest(&values).is_nan());
            assert!(exponentials(&mut values, 1.0).is_nan());
        }
    }
}
