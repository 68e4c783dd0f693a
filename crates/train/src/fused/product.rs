//! Matrix products over slices, on the thread that asks.

/// A matrix within a slice.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'s> {
    values: &'s [f32],
    size: [usize; 2],
    strides: [usize; 2],
}

impl<'s> Matrix<'s> {
    /// `size` is rows and columns; rows begin `stride` numbers apart.
    pub(super) fn new(values: &'s [f32], size: [usize; 2], stride: usize) -> Self {
        Matrix { values, size, strides: [stride, 1] }
    }

    pub(super) fn transposed(self) -> Self {
        let ([rows, columns], [down, along]) = (self.size, self.strides);
        Matrix { size: [columns, rows], strides: [along, down], ..self }
    }

    /// Whether all that it names is in the slice.
    fn is_within(&self) -> bool {
        let last = |at: usize| (self.size[at] - 1).checked_mul(self.strides[at]);
        self.size.contains(&0)
            || last(0)
                .zip(last(1))
                .and_then(|(down, along)| down.checked_add(along))
                .is_some_and(|last| last < self.values.len())
    }
}

/// What becomes of what was there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    Overwritten,
    AddedTo,
}

/// Writes the product of two matrices into a slice, row by row without gaps.
///
/// # Panics
///
/// When the sizes do not fit, or a matrix is not within its slice.
pub(super) fn multiply(into: &mut [f32], left: Matrix<'_>, right: Matrix<'_>, before: Before) {
    let ([rows, inner], [inner_too, columns]) = (left.size, right.size);
    assert!(inner == inner_too && into.len() == rows * columns, "sizes of a product");
    assert!(left.is_within() && right.is_within(), "a matrix is within its slice");
    let strides = |matrix: &Matrix<'_>| matrix.strides.map(|stride| stride as isize);
    let ([left_down, left_along], [right_down, right_along]) = (strides(&left), strides(&right));
    let add = before == Before::AddedTo;
    // SAFETY: `into` has rows × columns numbers, and the last number that each matrix names is in its
    // slice; `into` overlaps neither, being borrowed alone.
    #[expect(
        unsafe_code,
        reason = "the product of `gemm` takes pointers; lengths are checked above"
    )]
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            into.as_mut_ptr(),
            1,
            columns as isize,
            add,
            left.values.as_ptr(),
            left_along,
            left_down,
            right.values.as_ptr(),
            right_along,
            right_down,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_parts() {
        // [[1, 2], [4, 5]] within three columns, times its transpose.
        let values = [1.0, 2.0, 3.0, 4.0, 5.0];
        let matrix = Matrix::new(&values, [2, 2], 3);
        let mut found = [1.0; 4];
        multiply(&mut found, matrix, matrix.transposed(), Before::AddedTo);
        assert_eq!(found, [6.0, 15.0, 15.0, 42.0]);
        multiply(&mut found, matrix, matrix, Before::Overwritten);
        assert_eq!(found, [9.0, 12.0, 24.0, 33.0]);
    }

    #[test]
    #[should_panic(expected = "within its slice")]
    fn a_matrix_beyond_its_slice() {
        let values = [0.0; 5];
        let matrix = Matrix::new(&values, [2, 3], 3);
        multiply(&mut [0.0; 4], matrix, matrix.transposed(), Before::Overwritten);
    }
}
