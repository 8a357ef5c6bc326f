! Riemann solver of q_t + (a(x, y) q)_x + (b(x, y) q)_y = 0 for SharpClaw, in fluctuation form.
! aux(1, .) and aux(2, .): a at the middle of the left face and b at that of the lower face of a
! cell (zero at a wall); aux(3, .) and aux(4, .): a and b at its centre. See riemann.f90.
subroutine rpn2(ixy, maxm, meqn, mwaves, maux, mbc, mx, ql, qr, auxl, auxr, wave, s, amdq, apdq)
    implicit none
    integer, intent(in) :: ixy, maxm, meqn, mwaves, maux, mbc, mx
    double precision, intent(in) :: ql(meqn, 1-mbc:maxm+mbc), qr(meqn, 1-mbc:maxm+mbc)
    double precision, intent(in) :: auxl(maux, 1-mbc:maxm+mbc), auxr(maux, 1-mbc:maxm+mbc)
    double precision, intent(out) :: wave(meqn, mwaves, 1-mbc:maxm+mbc), s(mwaves, 1-mbc:maxm+mbc)
    double precision, intent(out) :: amdq(meqn, 1-mbc:maxm+mbc), apdq(meqn, 1-mbc:maxm+mbc)
    double precision :: flux
    integer :: i
    do i = 2-mbc, mx+mbc
        s(1, i) = auxl(ixy, i)
        wave(1, 1, i) = ql(1, i) - qr(1, i-1)
        flux = max(s(1, i), 0d0) * qr(1, i-1) + min(s(1, i), 0d0) * ql(1, i)
        amdq(1, i) = flux - auxr(ixy+2, i-1) * qr(1, i-1)
        apdq(1, i) = auxl(ixy+2, i) * ql(1, i) - flux
    end do
end subroutine rpn2

! Total fluctuation inside each cell.
subroutine tfluct2(ixy, maxm, meqn, mwaves, maux, mbc, mx, ql, qr, auxl, auxr, adq)
    implicit none
    integer, intent(in) :: ixy, maxm, meqn, mwaves, maux, mbc, mx
    double precision, intent(in) :: ql(meqn, 1-mbc:maxm+mbc), qr(meqn, 1-mbc:maxm+mbc)
    double precision, intent(in) :: auxl(maux, 1-mbc:maxm+mbc), auxr(maux, 1-mbc:maxm+mbc)
    double precision, intent(out) :: adq(meqn, 1-mbc:maxm+mbc)
    integer :: i
    do i = 1, mx
        adq(1, i) = auxl(ixy+2, i) * (qr(1, i) - ql(1, i))
    end do
end subroutine tfluct2
