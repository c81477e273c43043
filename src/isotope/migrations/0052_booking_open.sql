-- Bookings ahead and under way, by vehicle: few of them all.
create index booking_open on booking (operator_id, vehicle_id)
    where status in ('AWAITING_PAYMENT', 'UPCOMING', 'ACTIVE');
