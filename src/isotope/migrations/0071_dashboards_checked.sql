-- What 0070 added is true of the rows from before too.
alter table staff validate constraint staff_subaccount;
alter table vehicle validate constraint vehicle_subaccount;
alter table staff_task validate constraint staff_task_has_type;
alter table staff_task validate constraint staff_task_type;
alter table staff_task validate constraint staff_task_assigned;
alter table ride validate constraint ride_parking_quality;
