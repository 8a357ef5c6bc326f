! Riemann solver of q_t + (a(x) q)_x = 0 for SharpClaw, in fluctuation form.
! aux(1, i): velocity at the left face of cell i (zero at a wall); aux(2, i): at its centre.
! The centre velocity cancels between the fluctuations, so the scheme is conservative and its
! numerical flux is the upwind one with the velocity of the face.
subroutine rp1(maxmx, meqn, mwaves, maux, mbc, mx, ql, qr, auxl, auxr, wave, s, amdq, apdq)
    implicit none
    integer, intent(in) :: maxmx, meqn, mwaves, maux, mbc, mx
    double precision, intent(in) :: ql(meqn, 1-mbc:maxmx+mbc), qr(meqn, 1-mbc:maxmx+mbc)
    double precision, intent(in) :: auxl(maux, 1-mbc:maxmx+mbc), auxr(maux, 1-mbc:maxmx+mbc)
    double precision, intent(out) :: wave(meqn, mwaves, 1-mbc:maxmx+mbc), s(mwaves, 1-mbc:maxmx+mbc)
    double precision, intent(out) :: amdq(meqn, 1-mbc:maxmx+mbc), apdq(meqn, 1-mbc:maxmx+mbc)
    double precision :: flux
    integer :: i
    do i = 2-mbc, mx+mbc
        s(1, i) = auxl(1, i)
        wave(1, 1, i) = ql(1, i) - qr(1, i-1)
        flux = max(s(1, i), 0d0) * qr(1, i-1) + min(s(1, i), 0d0) * ql(1, i)
        amdq(1, i) = flux - auxr(2, i-1) * qr(1, i-1)
        apdq(1, i) = auxl(2, i) * ql(1, i) - flux
    end do
end subroutine rp1

! Total fluctuation inside each cell.
subroutine tfluct1(maxmx, meqn, mwaves, maux, mbc, mx, ql, qr, auxl, auxr, adq)
    implicit none
    integer, intent(in) :: maxmx, meqn, mwaves, maux, mbc, mx
    double precision, intent(in) :: ql(meqn, 1-mbc:maxmx+mbc), qr(meqn, 1-mbc:maxmx+mbc)
    double precision, intent(in) :: auxl(maux, 1-mbc:maxmx+mbc), auxr(maux, 1-mbc:maxmx+mbc)
    double precision, intent(out) :: adq(meqn, 1-mbc:maxmx+mbc)
    integer :: i
    do i = 1, mx
        adq(1, i) = auxl(2, i) * (qr(1, i) - ql(1, i))
    end do
end subroutine tfluct1
