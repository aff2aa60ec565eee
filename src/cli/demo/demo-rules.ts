/** The rules of the demo, as a rule file. The queue of mails is too long once a minute. */
export const demoRules = `groups:
  - name: demo
    interval: 2s
    rules:
      - record: room:temperature_celsius:avg
        expr: avg(room_temperature_celsius)
      - record: path:http_requests:rate1m
        expr: sum by (path) (rate(http_requests_total[1m]))
      - alert: QueueTooLong
        expr: queue_length > 75
        for: 6s
        labels:
          severity: page
        annotations:
          summary: "{{ $labels.queue }} has {{ $value }} jobs."
      - alert: RoomTooWarm
        expr: room_temperature_celsius{room="kitchen"} > 19
        for: 4s
        annotations:
          summary: "The {{ $labels.room }} has {{ $value }} degrees."
`;
