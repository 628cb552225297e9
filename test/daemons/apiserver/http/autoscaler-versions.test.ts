import t from 'tap'
import { startTestServer } from './test-server.ts'

const path = (version: string) => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`
const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
const rate = {
  type: 'Pods',
  pods: { metric: { name: 'rate' }, target: { type: 'AverageValue', averageValue: '5' } },
}

t.test('an autoscaler in its two versions', async t => {
  const { ask } = await startTestServer(t)

  t.test('what v2 says beyond v1 is in annotations there, and comes back whole', async t => {
    const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }
    const body = {
      metadata: { name: 'web' },
      spec: {
        scaleTargetRef: target,
        maxReplicas: 5,
        metrics: [cpu, rate],
        behavior: { scaleDown: { stabilizationWindowSeconds: 60 } },
      },
    }
    const made = await ask(path('v2'), { method: 'POST', body })
    t.equal(made.status, 201, made.text)
    const behavior = {
      scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: 'Max' },
      scaleDown: { stabilizationWindowSeconds: 60, policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
    }
    t.match(made.json, { spec: { minReplicas: 1, behavior } })
    const old = (await ask(`${path('v1')}/web`)).json as {
      metadata: { annotations: Record<string, string> }
      spec: Record<string, unknown>
    }
    t.same(old.spec, { scaleTargetRef: target, minReplicas: 1, maxReplicas: 5, targetCPUUtilizationPercentage: 50 })
    t.same(JSON.parse(old.metadata.annotations['autoscaling.alpha.kubernetes.io/metrics'] ?? ''), [
      { type: 'Pods', pods: { metricName: 'rate', targetAverageValue: '5' } },
    ])
    t.match(JSON.parse(old.metadata.annotations['autoscaling.alpha.kubernetes.io/behavior'] ?? ''), {
      ScaleDown: { StabilizationWindowSeconds: 60 },
    })
    const changed = { ...old, spec: { ...old.spec, maxReplicas: 7, targetCPUUtilizationPercentage: 60 } }
    const put = await ask(`${path('v1')}/web`, { method: 'PUT', body: changed })
    t.equal(put.status, 200, put.text)
    const now = (await ask(`${path('v2')}/web`)).json as { metadata: object; spec: object }
    t.match(now, {
      apiVersion: 'autoscaling/v2',
      spec: { maxReplicas: 7, behavior, metrics: [{ resource: { target: { averageUtilization: 60 } } }, rate] },
    })
    t.notOk('annotations' in now.metadata)
  })

  t.test('without a target of its own an autoscaler aims at 80 percent of cpu', async t => {
    const body = { metadata: { name: 'plain' }, spec: { scaleTargetRef: target, maxReplicas: 2 } }
    t.equal((await ask(path('v1'), { method: 'POST', body })).status, 201)
    t.match((await ask(`${path('v2')}/plain`)).json, {
      spec: { metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { averageUtilization: 80 } } }] },
    })
    t.match((await ask(`${path('v1')}/plain`)).json, { spec: { targetCPUUtilizationPercentage: 80 } })
  })

  t.test('what was measured is told in both', async t => {
    const before = (await ask(`${path('v2')}/plain`)).json
    const current = { averageUtilization: 42, averageValue: '10m' }
    const status = {
      currentReplicas: 1,
      desiredReplicas: 2,
      currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current } }],
      conditions: [{ type: 'AbleToScale', status: 'True' }],
    }
    const put = await ask(`${path('v2')}/plain/status`, { method: 'PUT', body: { ...before, status } })
    t.equal(put.status, 200, put.text)
    const old = (await ask(`${path('v1')}/plain`)).json as { metadata: { annotations: Record<string, string> } }
    t.match(old, { status: { currentReplicas: 1, desiredReplicas: 2, currentCPUUtilizationPercentage: 42 } })
    t.same(JSON.parse(old.metadata.annotations['autoscaling.alpha.kubernetes.io/current-metrics'] ?? ''), [
      { type: 'Resource', resource: { name: 'cpu', currentAverageValue: '10m', currentAverageUtilization: 42 } },
    ])
    t.same(JSON.parse(old.metadata.annotations['autoscaling.alpha.kubernetes.io/conditions'] ?? ''), status.conditions)
    const table = await ask(`${path('v1')}/plain`, {
      headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    })
    t.same((table.json['rows'] as { cells: unknown[] }[])[0]?.cells.slice(0, 6), [
      'plain', 'Deployment/web', 'cpu: 42%/80%', '1', 2, 1,
    ]) // prettier-ignore
  })

  t.test('wrong ones are refused by the paths of v2, whichever version they come in', async t => {
    const spec = {
      scaleTargetRef: { kind: 'Deployment' },
      minReplicas: 3,
      maxReplicas: 2,
      targetCPUUtilizationPercentage: 0,
    }
    const reply = await ask(path('v1'), { method: 'POST', body: { metadata: { name: 'x' }, spec } })
    t.equal(reply.status, 422)
    const causes = (reply.json['details'] as { causes: { field: string; message: string }[] }).causes
    t.same(
      causes.map(({ field, message }) => `${field}: ${message}`),
      [
        'spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`',
        'spec.scaleTargetRef.name: Required value',
        'spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0',
      ],
    )
    const both = { type: 'Resource', resource: rate.pods, pods: rate.pods }
    const body = {
      metadata: { name: 'y' },
      spec: { scaleTargetRef: target, maxReplicas: 2, metrics: [both], behavior: { scaleUp: { policies: [] } } },
    }
    const v2 = await ask(path('v2'), { method: 'POST', body })
    t.match(v2.json['message'], 'spec.metrics[0].pods: Forbidden: must populate the given metric source only')
    t.match(v2.json['message'], 'spec.behavior.scaleUp.policies: Required value: must specify at least one Policy')
  })
})
